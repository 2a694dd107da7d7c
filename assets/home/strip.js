/*
 * The figure of Home: one sentence on its way through a language model, a row for each token, from left to right.
 *
 *   page.strip.build(place, trace, told)   make it; told: {say, doors, open (a door was pressed), seek (a station was), rows}
 *   page.strip.show(place, trace, t, s)    how far it is: the token t that comes next (from 0), station s (0: the text)
 *   page.strip.shown(text)                 a token's text with its blanks visible
 *
 * What a trace holds, playground/rooms/home/trace.py says. Stations not reached yet stay faint in their place, so
 * that nothing moves when they light up.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, number, percent } = page.tools;
  const STATIONS = 5;
  const WHOLE = 0.2; // what a whole bar is at least: small probabilities stay small

  const small = (share) => (share > 0 && share < 0.0001 ? "< 0.01%" : percent(share));
  const shown = (text) => text.replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "→");
  const numbers = (told, kind) => [...new kind(Uint8Array.from(atob(told), (each) => each.charCodeAt(0)).buffer)];
  // Bold words of a text; whatever else stands in it is text.
  const rich = (kind, text) => {
    const made = element("p", kind);
    text.split(/<\/?b>/).forEach((part, i) => made.append(i % 2 ? element("b", "", part) : part));
    return made;
  };

  const chip = (kind, token, at) => {
    const made = element("code", kind, shown(token[1]));
    made.dir = "auto";
    if (token[2]) made.classList.add("special");
    else made.dataset.c = "abcd"[at % 4];
    return made;
  };
  const row = (at, ...inside) => {
    const made = element("div", "hm-row");
    made.dataset.row = at;
    made.append(...inside);
    return made;
  };
  // In a station that stands alone (on a phone) each row says which token it is of.
  const named = (trace, at, ...inside) => row(at, trace.tokens[at] ? chip("hm-name", trace.tokens[at], at) : element("code", "hm-name"), ...inside);
  const each = (count, make) => Array.from({ length: count }, (_, at) => make(at));

  const vector = (told) => {
    const made = element("span", "hm-vector");
    for (const value of numbers(told, Int8Array)) {
      const cell = element("i", value < 0 ? "minus" : "");
      cell.style.setProperty("--v", Math.sqrt(Math.abs(value) / 127).toFixed(2)); // the root: small numbers still show
      made.append(cell);
    }
    return made;
  };
  const BODIES = {
    1: (trace, told) => each(told.rows, (at) => {
      const token = trace.tokens[at];
      return token ? row(at, chip("hm-token", token, at), element("span", "hm-id", String(token[0]))) : row(at, element("code", "hm-token"), element("span", "hm-id"));
    }),
    2: (trace, told) => each(told.rows, (at) => (trace.vectors[at] ? named(trace, at, vector(trace.vectors[at])) : named(trace, at))),
    3: (trace, told) => each(told.rows, (at) => {
      const made = element("span", "hm-cells");
      made.append(...trace.layers.map(() => element("i", "")));
      return named(trace, at, made);
    }),
    4: () => [],
  };

  const station = (at, trace, told) => {
    const made = element("section", "hm-st"), head = element("header", ""), title = element("h3", "");
    made.dataset.s = at;
    title.append(button("", "", () => told.seek(at)));
    title.firstChild.append(element("span", "hm-n", String(at)), told.say("name_" + at));
    const values = { size: number(trace.hidden_size), layers: trace.all_layers, vocabulary: number(trace.vocabulary) };
    head.append(title, rich("", told.say("say_" + at, values)));
    const body = element("div", "hm-body"), doors = element("footer", "hm-doors");
    if (BODIES[at]) {
      const caption = element("div", "hm-caption", told.say("head_" + at, { n: numbers(trace.vectors[0], Int8Array).length, size: number(trace.hidden_size) }));
      body.append(caption, ...BODIES[at](trace, told));
    }
    for (const [name, view] of told.doors) {
      if (name[0] !== String(at)) continue;
      const door = element("a", "hm-door", told.say("door_" + name));
      door.href = "#" + view;
      door.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return; // another tab of the browser
        event.preventDefault();
        told.open(view);
      });
      doors.append(door);
    }
    made.append(head, body, doors);
    return made;
  };

  // ---- what changes with each token ----

  const layers = (body, trace, step, told) => {
    body.querySelector(".hm-caption").replaceChildren(element("span", "hm-name", told.say("head_3")), ...trace.layers.map((layer) => element("span", "", String(layer))));
    step.attention.forEach((given, layer) => {
      numbers(given, Uint8Array).forEach((weight, at) => {
        const cell = body.querySelector(`[data-row="${at}"]`).lastChild.children[layer];
        cell.style.setProperty("--v", Math.sqrt(weight / 255).toFixed(3));
        cell.style.setProperty("--l", layer);
        cell.title = percent(weight / 255);
      });
    });
    let said = body.querySelector(".hm-lens");
    if (!said) body.append((said = element("div", "hm-lens")));
    said.replaceChildren(element("span", "hm-name", told.say("would")), ...step.lens.map(([text, share], layer) => {
      const made = element("span", text === step.top[0][0] ? "same" : "");
      made.style.setProperty("--l", layer);
      made.title = shown(text);
      made.append(element("code", "", shown(text.trim() || text)), element("small", "", small(share)));
      return made;
    }));
  };
  const scores = (body, trace, step, told) => {
    const rest = Math.max(0, 1 - step.top.reduce((sum, [, , share]) => sum + share, 0)), most = Math.max(step.top[0][2], WHOLE);
    const line = (name, logit, share, kind) => {
      const made = element("div", "hm-score " + kind), bar = element("span", "hm-bar");
      if (kind !== "rest") bar.append(element("i"));
      if (bar.firstChild) bar.firstChild.style.setProperty("--p", (share / most).toFixed(4));
      made.append(name, element("span", "hm-logit", logit), bar, element("span", "hm-share", small(share)));
      return made;
    };
    const lines = step.top.map(([text, logit, share], at) =>
      line(element("code", "", step.end && !at ? told.say("ends") : shown(text)), number(logit, 2), share, at ? "" : "first"));
    body.replaceChildren(body.querySelector(".hm-caption"), ...lines, line(element("span", "hm-others", told.say("rest")), "", rest, "rest"));
  };

  const build = (place, trace, told) => {
    place.replaceChildren(...each(STATIONS, (at) => station(at + 1, trace, told)));
    place.style.setProperty("--layers", trace.layers.length);
    place.classList.toggle("many", trace.layers.length > 5);
    place.style.setProperty("--rows", told.rows);
    place.pgTold = told;
    place.pgStep = -1;
  };
  const show = (place, trace, t, s) => {
    const told = place.pgTold, step = trace.steps[t], last = trace.given + t - 1;
    const body = (at) => place.querySelector(`[data-s="${at}"] .hm-body`);
    if (place.pgStep !== t) {
      layers(body(3), trace, step, told);
      scores(body(4), trace, step, told);
      const chosen = element("code", "hm-chosen", step.end ? told.say("ends") : shown(step.top[0][0]));
      body(5).replaceChildren(chosen);
      place.querySelector('[data-s="5"] header p').textContent = told.say(step.end ? "say_end" : "say_5");
      place.pgStep = t;
    }
    for (const made of place.children) {
      const at = Number(made.dataset.s);
      made.classList.toggle("wait", at > s);
      made.classList.toggle("here", at === s);
      made.classList.toggle("alone", at === Math.max(1, s)); // where only one fits
      if (at === s) made.querySelector("h3 button").setAttribute("aria-current", "step");
      else made.querySelector("h3 button").removeAttribute("aria-current");
    }
    for (const made of place.querySelectorAll(".hm-row")) {
      const at = Number(made.dataset.row);
      made.classList.toggle("now", at === last);
      made.classList.toggle("next", at === last + 1);
      made.classList.toggle("later", at > last);
    }
  };
  page.strip = { build, show, shown };
})();
