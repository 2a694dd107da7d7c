/*
 * The Next token room around its bars: the text so far, what can be done, the tree of what was tried, the search
 * for any token, and what the inspector tells of one. Drawn from `next.state`, see next.js; what is pressed here, that script does.
 */
(() => {
  "use strict";
  const page = window.playground, next = page.next, state = next.state;
  const { element, button, number } = page.tools;
  const { frame, part, say, percent, shownText, chip, drawStages, board, view, act } = next;

  const draw = () => {
    if (!frame() || !state.here) return;
    drawText();
    drawChart();
    drawTree();
    next.drawLayers();
    next.changed();
  };

  const drawText = () => {
    const place = part("text");
    place.replaceChildren();
    const skipped = state.here.skipped || 0;
    if (skipped) place.append(element("span", "nx-skip", say("skipped", { n: number(skipped) })));
    state.here.tokens.forEach((each, i) => {
      const at = i + skipped;
      const [, , text, , kind] = each.token;
      const plain = text && kind !== "special" && kind !== "padded";
      const made = element("span", "ct" + (plain ? "" : " odd"), plain ? text : shownText(each.token));
      made.dataset.at = at;
      made.setAttribute("role", "button");
      made.tabIndex = 0;
      if (each.p !== null && each.p !== undefined) {
        made.style.setProperty("--p", each.p);
        made.title = `${percent(each.p)} · ${say("rank", { n: number(each.rank) })}`;
        if (each.p < 0.01) made.classList.add("surprise");
      }
      if (each.made) made.classList.add("made");
      if (state.peek && state.peek.at === at) made.classList.add("here");
      if (state.peek && at > state.peek.at) made.classList.add("later");
      place.append(made);
    });
    place.append(button("", "nx-cursor" + (state.peek ? "" : " on"), () => act("end")));
    place.lastChild.title = say("cursor");
    place.lastChild.setAttribute("aria-label", say("cursor"));
    next.painted();
    drawStem();
    drawNote();
  };
  /* The line from where the text ends, or from the place in it that is looked at, down to the bars. */
  const drawStem = () => {
    const place = part("stem"), text = part("text");
    const from = text && (text.querySelector(".ct.here") || text.querySelector(".nx-cursor"));
    if (!from || !place) return;
    const { left, width } = from.getBoundingClientRect(), begin = from.classList.contains("ct") ? 0 : width / 2;
    place.style.setProperty("--x", `${Math.max(0, Math.round(left + begin - place.getBoundingClientRect().left))}px`);
  };
  new ResizeObserver(drawStem).observe(document.documentElement);
  const drawNote = () => {
    const { here, peek, prompt } = state;
    const heard = here.tokens.filter((each) => each.p > 0);
    const note = part("note");
    note.replaceChildren();
    if (heard.length && !(here.skipped && here.skipped > 0)) {
      const mean = heard.reduce((sum, each) => sum - Math.log(each.p), 0) / heard.length;
      const first = prompt && prompt.begins ? say("begins_yes", { token: here.tokens[0].token[1] }) : say("begins_no");
      note.append(element("b", "", say("perplexity", { value: number(Math.exp(mean), 2), n: number(heard.length) })), " ", first);
    } else if (prompt && prompt.perplexity)
      note.append(element("b", "", say("perplexity", { value: number(prompt.perplexity, 2), n: number(prompt.ids.length - 1) })));
    const stood = peek && here.tokens[peek.at - (here.skipped || 0)];
    if (stood && stood.p !== null && stood.p !== undefined)
      note.prepend(element("b", "nx-stood", say("stood", { token: shownText(stood.token), p: percent(stood.p), n: number(stood.rank) })), element("br"));
    const plain = prompt && prompt.plain && JSON.parse(state.shown);
    if (plain) note.prepend(element("b", "nx-plain", say("no_template", { model: plain[0] })), element("br"));
    if (here.look && here.look.shipped) note.append(" ", element("span", "nx-shipped", say("shipped", { model: here.look.model })));
    const last = here.tokens.at(-1);
    if (last && last.end) note.append(" ", element("span", "nx-end", say("end")));
  };

  const drawChart = () => {
    const at = view();
    if (!frame() || !at || !at.look) return;
    drawStages(at.look);
    const tried = new Set((at.children || []).map((each) => each.token.token[0]));
    board(part("chart"), at.look, (id) => act("choose", id), { tried, actual: state.peek ? state.peek.actual : undefined });
    drawActs();
    next.weighed();
  };
  const drawActs = () => {
    const place = part("acts");
    if (place.childElementCount) {
      place.querySelector('[data-act="back"]').disabled = !(state.peek || state.here.parent);
      place.querySelector('[data-act="forward"]').disabled = !state.here.last;
      place.querySelector('[data-act="play"]').textContent = state.playing ? say("pause") : say("play");
      const box = place.querySelector("input[type=checkbox]");
      box.disabled = next.logits();
      if (!box.disabled) box.checked = next.scaled();
      return;
    }
    for (const [name, kind] of [["sample", "main"], ["greedy", ""], ["back", ""], ["forward", ""], ["play", ""]]) {
      const made = button(say(name), kind, () => act(name));
      made.dataset.act = name;
      made.title = say(name + "_why");
      place.append(made);
    }
    const speed = element("select");
    speed.setAttribute("aria-label", say("speed"));
    for (const [value, text] of [[1000, "1/s"], [400, "2.5/s"], [150, "6/s"], [0, "max"]]) {
      const option = element("option", "", text);
      option.value = value;
      if (value === 400) option.selected = true;
      speed.append(option);
    }
    const scale = element("label");
    const box = element("input");
    box.type = "checkbox";
    box.addEventListener("change", () => { next.scale(box.checked); });
    scale.append(box, " " + say("log"));
    place.append(speed, scale);
    drawActs();
  };

  const drawTree = () => {
    const place = part("tree"), { roots, here } = state;
    place.replaceChildren();
    if (roots.every((root) => !root.children.length) && roots.length < 2) { place.append(element("p", "pg-note", say("tree_empty"))); return; }
    const path = new Set();
    for (let at = here; at; at = at.parent) path.add(at);
    const mark = (at) => {
      const made = button("", "nx-node" + (at === here ? " here" : path.has(at) ? " on" : ""), () => act("visit", at));
      if (at.token) {
        made.append(chip(at.token.token), element("small", "", percent(at.token.p)));
        made.title = say("rank", { n: number(at.token.rank) });
      } else made.append(element("span", "nx-root", "… " + at.tokens.filter((each) => each.token[4] !== "special").slice(-3).map((each) => shownText(each.token)).join("")));
      return made;
    };
    const branch = (at, list) => { // a chain stays on one line, a fork begins new ones
      const line = element("li");
      list.append(line);
      for (;;) {
        line.append(mark(at));
        if (at.children.length !== 1) break;
        at = at.children[0];
      }
      if (!at.children.length) return;
      const more = element("ul");
      line.append(more);
      for (const each of at.children) branch(each, more);
    };
    const all = element("ul");
    for (const root of roots) branch(root, all);
    place.append(element("h5", "", say("tree")), all);
  };

  const drawFind = () => {
    const place = part("find");
    if (place.childElementCount) return;
    const box = element("input");
    box.type = "search";
    box.placeholder = say("find_hint");
    box.setAttribute("aria-label", say("find"));
    const list = element("div", "nx-found");
    let timer = 0, turn = 0;
    const find = async () => {
      const mine = ++turn;
      if (!box.value || !view() || next.stale()) { list.replaceChildren(); return; }
      try {
        const answer = await next.ask("next/find", next.given({ ids: view().ids, query: box.value }), { quiet: true });
        if (mine !== turn) return;
        list.replaceChildren(...answer.found.map((each) => {
          const made = button("", "nx-row hit", () => act("choose", each.token[0]));
          made.append(element("span", "nx-rank", number(each.rank)), chip(each.token), element("span", "nx-value", percent(each.p)),
            element("span", "nx-why", each.gone ? say("gone_" + each.gone) : say("chance", { p: percent(each.chance) })));
          made.title = say("row", { id: each.token[0], piece: each.token[1] });
          return made;
        }));
        if (answer.total > answer.found.length) list.append(element("p", "pg-note", say("find_more", { n: number(answer.total) })));
        const id = box.value.trim(), beyond = /^\d+$/.test(id) && Number(id) > answer.last;
        if (!answer.found.length) list.append(element("p", "pg-note", beyond ? say("find_range", { id, last: number(answer.last) }) : say("find_none")));
      } catch (error) { if (mine === turn) list.replaceChildren(element("p", "pg-warning", next.why(error))); }
    };
    box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 250); });
    place.append(element("h5", "", say("find")), box, list);
    next.refind = find;
  };

  // ---- the inspector: what each stage made of a token ----

  // A click on a bar appends it: what it is, is told before, where there is a column for that (inspector.css).
  const INSPECTED = "next-token";
  const inspects = () => page.inspector.column || page.inspector.key === INSPECTED;
  const list = (rows) => {
    const made = element("dl");
    for (const [name, value] of rows) made.append(element("dt", "", name), element("dd", "", value));
    return made;
  };
  const spelling = ([id, piece, , bytes]) => [["id", String(id)], [say("piece"), piece], ...(bytes ? [[say("bytes"), bytes]] : [])];
  const inspect = (token, rows, from) => page.inspector.open({ key: INSPECTED, title: shownText(token), body: list([...spelling(token), ...rows]), from });
  /* A bar: its numbers from the logit to what is drawn from, and where it went. */
  const inspectBar = (row) => {
    const { look } = view() || {}, i = [...part("chart").children].indexOf(row);
    if (!look || !look.candidates[i]) return;
    const { weighed } = look, gone = weighed.gone[i];
    inspect(look.candidates[i], [
      [say("stage_logits"), number(weighed.logit[i], 3)], [say("stage_own"), percent(weighed.own[i])],
      [say("stage_warm"), percent(weighed.warm[i])], [say("stage_final"), gone ? say("gone_" + gone) : percent(weighed.final[i])],
    ], row);
  };
  /* A token of the text: what the model had given it. */
  const inspectPlace = (at) => {
    const each = state.here && state.here.tokens[at - (state.here.skipped || 0)];
    if (!each || !inspects()) return;
    const heard = each.p !== null && each.p !== undefined;
    inspect(each.token, heard ? [[say("stage_own"), percent(each.p)], [say("rank_name"), number(each.rank)]] : [[say("stage_own"), say("first_place")]], part("text").querySelector(`[data-at="${at}"]`));
  };
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, (event) => {
    const row = (kind === "focusin" || page.inspector.pointed(event)) && event.target.closest && event.target.closest(".nx-chart > button.nx-row");
    if (row && inspects()) inspectBar(row);
  });

  Object.assign(next, { draw, drawChart, drawActs, drawFind, inspectPlace });
})();
