/*
 * Home: a sentence that can be typed over, the strip that it runs through (strip.js), and the way on from there.
 *
 * The strip is painted from the worked example that the page carries, before anything is loaded; what is typed
 * is run by an action of the room, whose lines come as data of the place "home-strip", each with one token more.
 * It plays by itself only while it is seen, and never where less motion is wished: then it is stepped.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, filled } = page.tools;
  const TEXT = "home.text", MODEL = "home.model", TRIED = "playground.path";
  const AFTER = 1000; // milliseconds after the last key until it runs
  const PACE = [900, 2600, 2600, 3200, 3200, 2400]; // milliseconds a station is looked at
  const LATER = 0.4; // of that, from the second token on
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  let trace = null, at = 1, playing = false, timer = 0, seen = false, typing = 0;
  let data = null; // of the frame: words, example, models, doors, path, book
  const frame = () => document.querySelector("#home-frame .hm");
  const part = (name) => frame().querySelector(".hm-" + name);
  const say = (key, values) => filled(data.words[key], values);

  // ---- where it is: a place in the story is a token t and a station s ----

  const steps = () => trace.steps.length;
  const place = (n) => (n ? [Math.floor((n - 1) / 5), 1 + ((n - 1) % 5)] : [0, 0]);
  const last = () => 5 * steps();
  const running = () => frame().querySelector("[data-place]").getAttribute("aria-busy") === "true";

  const paint = () => {
    const [t, s] = place(at), step = trace.steps[t];
    page.strip.show(part("strip"), trace, t, s);
    const made = trace.steps.slice(0, s > 4 && !step.end ? t + 1 : t).map((each) => each.top[0][0]).join("");
    part("grown").textContent = made;
    part("grown").classList.toggle("new", s === 5);
    const scrub = part("scrub");
    scrub.max = last();
    scrub.value = at;
    const told = say("at", { n: t + 1, all: steps(), what: s ? say("name_" + s) : say("at_0") });
    scrub.setAttribute("aria-valuetext", told);
    part("where").setAttribute("aria-live", playing ? "off" : "polite");
    part("where").textContent = told;
    const go = part("play"), ended = at >= last() && !playing;
    go.dataset.what = playing ? "pause" : ended ? "again" : "play";
    go.setAttribute("aria-label", say(go.dataset.what));
    go.title = say(go.dataset.what);
    part("back").disabled = at <= 0;
    part("next").disabled = at >= last();
  };
  const tick = () => {
    clearTimeout(timer);
    if (!playing || !seen || document.hidden) return;
    const [t, s] = place(at);
    timer = setTimeout(() => {
      if (!frame() || !frame().checkVisibility()) return;
      if (at < last()) { at++; paint(); tick(); }
      else if (running()) tick(); // the next token is under way
      else { playing = false; paint(); }
    }, PACE[s] * (t ? LATER : 1));
  };
  const play = (on) => { playing = on && !calm.matches; paint(); tick(); };
  const step = (to) => { playing = false; at = Math.max(0, Math.min(last(), to)); paint(); tick(); };

  // ---- the sentence ----

  const sentence = () => page.store.get(TEXT) || data.example.text;
  const typed = () => part("typed").textContent.replace(/\s+/g, " ").trim();
  const run = () => {
    clearTimeout(typing);
    typing = 0;
    const text = typed();
    page.store.set({ [TEXT]: text === data.example.text ? "" : text }, "visitor", TEXT);
    if (!text) part("typed").textContent = sentence();
  };
  const open = (view) => page.sentence.carry(trace.text, trace.model, view);

  const take = (told) => { // a trace, or the same with more tokens
    const more = trace && trace.text === told.text && trace.model === told.model && told.steps.length > steps();
    trace = told;
    const rows = told.given + (running() ? Math.max(5, told.steps.length) : told.steps.length);
    const telling = { say, doors: data.doors, open, seek: (s) => step(5 * place(at)[0] + s), rows };
    page.strip.build(part("strip"), told, telling);
    const recorded = told.text === data.example.text && told.model === data.example.model;
    part("source").textContent = `${data.models.length < 2 ? told.model + " · " : ""}${say(recorded ? "recorded" : "live")}`;
    if (!more) { at = calm.matches ? 5 : 1; playing = !calm.matches; }
    at = Math.min(at, last());
    paint();
    tick();
  };

  // ---- the frame ----

  const top = () => {
    const title = element("h2", "hm-title", say("title")), box = element("p", "hm-sentence"), text = element("span", "hm-typed", sentence());
    text.contentEditable = "plaintext-only";
    if (text.contentEditable !== "plaintext-only") text.contentEditable = "true";
    Object.assign(text, { spellcheck: false, role: "textbox" });
    text.setAttribute("aria-label", say("type"));
    text.addEventListener("input", () => {
      playing = false;
      clearTimeout(timer);
      part("grown").textContent = "";
      clearTimeout(typing);
      typing = setTimeout(run, AFTER);
    });
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      run();
    });
    text.addEventListener("blur", () => { if (typing) run(); });
    const line = element("span", "hm-line");
    line.append(text, element("span", "hm-grown"));
    box.append(line, element("span", "hm-hint", say("hint")));
    line.addEventListener("click", (event) => { if (event.target !== text) text.focus(); });
    const bar = element("div", "hm-bar-of-play"), go = button("", "hm-play", () => {
      if (!playing && at >= last()) at = 0;
      play(!playing);
    });
    const back = button("", "hm-back", () => step(at - 1)), next = button("", "hm-next", () => step(at + 1));
    for (const [made, key] of [[back, "back"], [next, "next"]]) { made.title = say(key); made.setAttribute("aria-label", say(key)); }
    const scrub = Object.assign(element("input", "hm-scrub"), { type: "range", min: 0, step: 1 });
    scrub.setAttribute("aria-label", say("scrub"));
    scrub.addEventListener("input", () => step(Number(scrub.value)));
    bar.append(go, back, next, scrub, element("span", "hm-where"), part("stop"), models()); // runs.js hears its id
    part("top").replaceChildren(title, element("p", "hm-lead", say("lead")), box, bar);
  };
  const models = () => {
    const made = element("span", "hm-model"), source = element("span", "hm-source");
    if (data.models.length < 2) { made.append(element("span", "", say("model")), source); return made; }
    const label = element("label", "", say("model") + " "), menu = element("select", "");
    menu.append(...data.models.map((name) => new Option(name, name)));
    menu.value = page.store.get(MODEL) || data.example.model;
    menu.addEventListener("change", () => page.store.set({ [MODEL]: menu.value === data.example.model ? "" : menu.value }, "visitor", MODEL));
    label.append(menu);
    made.append(label, source);
    return made;
  };

  const tried = () => { try { return JSON.parse(localStorage.getItem(TRIED)) || []; } catch { return []; } };
  const link = (view, label, kind = "") => {
    const made = element("a", kind, label);
    made.href = "#" + view;
    made.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (data.path.includes(view)) open(view); else { page.store.go(view); window.scrollTo(0, 0); }
    });
    return made;
  };
  const names = () => Object.fromEntries(data.book.flatMap(([, views]) => views));
  const rest = () => {
    const path = element("section", "hm-path"), list = element("ol", "");
    path.append(element("h2", "", say("path")), list);
    data.path.forEach((view, n) => {
      const made = element("li", ""), into = link(view, "");
      made.dataset.view = view;
      into.append(element("span", "hm-n", String(n + 1)), element("b", "", names()[view]), element("span", "", say("path_" + (n + 1))));
      made.append(into);
      list.append(made);
    });
    const column = (key, ...inside) => {
      const made = element("section", "");
      made.append(element("h2", "", say(key)), ...inside);
      return made;
    };
    const book = element("ul", "hm-book");
    for (const [chapter, views] of data.book) {
      const made = element("li", ""), rooms = element("span", "hm-rooms");
      rooms.append(...views.map(([view, label]) => link(view, label)));
      made.append(element("span", "hm-chapter", say("chapter", { n: chapter })), element("span", "", say("book_" + chapter)), rooms);
      book.append(made);
    }
    const lines = (...keys) => keys.map((key) => element("p", "", say(key)));
    const drawer = button(say("here_3"), "hm-drawer", () => document.querySelector("#pg-model > .pg-pill").click());
    const three = element("div", "hm-three"), teach = column("teach", ...lines(...(page.parts_at.present ? ["teach_1"] : []), "teach_2", "teach_3"));
    teach.append(element("code", "hm-command", "python app.py --class"));
    three.append(column("book", book), teach, column("here", ...lines("here_1", "here_2"), drawer));
    part("rest").replaceChildren(path, three);
    ticks();
  };
  const ticks = () => {
    const done = tried();
    for (const made of document.querySelectorAll(".hm-path li")) {
      const on = done.includes(made.dataset.view.split("/")[0]);
      made.classList.toggle("done", on);
      const told = made.querySelector(".hm-n");
      if (on) told.setAttribute("aria-label", `${told.textContent}, ${say("ticked")}`);
    }
  };

  const looked = new IntersectionObserver((all) => { seen = all.at(-1).isIntersecting; tick(); }, { threshold: 0.25 });
  const make = () => {
    const found = frame();
    if (!found || found.hmMade || !found.querySelector(".pg-data")) return;
    found.hmMade = true;
    data = JSON.parse(found.querySelector(".pg-data").textContent);
    top();
    rest();
    take(trace && trace.text === sentence() ? trace : data.example);
    looked.disconnect();
    looked.observe(part("strip"));
  };
  new MutationObserver(make).observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener("playground:data", (event) => { if (event.detail.place === "home-strip") take(event.detail.value); });
  document.addEventListener("visibilitychange", tick);
  calm.addEventListener("change", () => { if (frame() && data) play(false); });
  page.store.watch((changed) => {
    if (!data || !frame() || !changed.some((id) => id === TEXT || id === MODEL)) return;
    const text = part("typed");
    if (text !== document.activeElement && text.textContent !== sentence()) text.textContent = sentence();
    const menu = frame().querySelector(".hm-model select");
    if (menu) menu.value = page.store.get(MODEL) || data.example.model;
  });
  page.store.watchView((view) => {
    if (view !== "home" || !frame() || !data) return;
    part("typed").textContent = sentence();
    ticks();
    tick();
  });

  // Steps by keys, wherever on Home nothing else takes them.
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || page.store.view() !== "home" || !trace) return;
    const focused = event.target;
    if (focused !== document.body && !(focused.closest && focused.closest(".hm"))) return;
    if (focused.matches("input, select, textarea, [contenteditable]:not([contenteditable=false])")) return;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last() }[event.key];
    if (to === undefined || ((event.key === "Home" || event.key === "End") && focused === document.body)) return;
    event.preventDefault();
    step(to);
  });

  // Presented, it is this view's story (shell/present.js).
  document.addEventListener("playground:step", (event) => {
    const to = at + event.detail;
    if (page.store.view() !== "home" || !trace || to < 0 || to > last()) return;
    event.preventDefault();
    step(to);
  });

  // A room of the path is ticked once something was done in it.
  const used = (event) => {
    const room = page.store.view().split("/")[0];
    if (!event.isTrusted || !room || room === "home" || tried().includes(room)) return;
    if (!event.target.closest || !event.target.closest(".tabitem")) return;
    try { localStorage.setItem(TRIED, JSON.stringify([...tried(), room])); } catch { /* the browser keeps nothing: no ticks */ }
  };
  document.addEventListener("pointerdown", used, true);
  document.addEventListener("keydown", used, true);
})();
