/*
 * A map's chosen point and what it is near to, what is selected, and what is found (figures_map.js draws it).
 *
 * They are told in the page's one inspector where the map stands in a panel that leaves room for it (pg-inspects);
 * beside the map and below it everywhere else: a map that was saved is a page of its own.
 *
 *   page.maps.found(el, rows, told)   rings around points of the map in el, and a sentence of them below; null: around none
 *   page.maps.choose(el, row)         as a click on a point does
 */
(() => {
  "use strict";
  const { states, stateOf, put, map } = window.playground.figures;
  const { part, neighbours, tone, groupOf, view, again, remember, pointed } = map;
  const LISTED = 100; // of what is selected
  const KEY = "map", SELECTED = "map-selected"; // of the inspector
  const aside = (state) => (state.el.closest(".pg-inspects") && window.playground.inspector) || null;
  const many = (count) => count.toLocaleString("en");

  const begun = (state) => {
    if (!state.near || aside(state) || part(state, "side")) return;
    put(state.frame.parentElement, "aside", undefined, "pg-map-side").setAttribute("aria-live", "polite");
  };

  // ---- a chosen point, and what it is near to ----

  // Maps that stand side by side show the same row.
  const beside = (state) => {
    const all = state.el.closest(".pg-maps");
    return all ? [...states.values()].filter((each) => each.near && all.contains(each.el)) : [state];
  };
  const choose = (state, i, echo) => {
    state.chosen = i;
    remember(state);
    if (!echo) for (const other of beside(state)) if (other !== state) choose(other, i, true);
    tell(state, echo);
    again(state);
  };
  const trust = (state, i) => {
    const { measured, kept, say } = state.more;
    if (!measured) return "";
    const count = kept.subarray(i * measured, (i + 1) * measured).reduce((sum, each) => sum + each, 0);
    return (count === measured ? say.trust_all : 2 * count >= measured ? say.trust_most : say.trust).replace("{kept}", count).replace("{of}", measured);
  };
  const details = (state, i) => {
    const { more } = state, { measured, say } = more, box = document.createElement("div");
    box.className = "pg-map-near";
    if (more.titles && more.titles[i]) put(box, "p", more.titles[i]).dir = "auto";
    if (measured) put(box, "p", trust(state, i), "pg-map-trust");
    if (more.k) put(box, "p", measured ? say.neighbours : say.unmeasured, "pg-note");
    const list = put(box, "ol");
    neighbours(state, i).forEach((other, rank) => {
      const near = rank >= measured || more.kept[i * measured + rank];
      const row = put(list, "li", undefined, !near ? "far" : measured && rank >= measured ? "more" : "");
      item(state, row, other);
      put(row, "small", (more.cosines[i * more.k + rank] / 10000).toFixed(3));
    });
    return box;
  };
  const tell = (state, echo) => {
    const { more, chosen: i } = state, inspector = aside(state), side = part(state, "side");
    if (!state.found) part(state, "told").textContent = (i >= 0 && trust(state, i)) || "\u00a0";
    if (!inspector) {
      side.replaceChildren();
      if (i < 0) { put(side, "p", more.say.hint, "pg-note"); return; }
      if (groupOf(state, i)) put(side, "small", groupOf(state, i));
      put(side, "b", more.labels[i]).dir = "auto";
      side.append(details(state, i));
      return;
    }
    if (i < 0) { if (inspector.key === KEY && !echo) inspector.close(); return; }
    // What no visitor chose is told where there is room for it, and where nobody reads anything else.
    if (!state.el.checkVisibility() || (echo && inspector.key !== KEY && (inspector.key || !inspector.column))) return;
    const made = document.createElement("div"), shown = beside(state);
    made.className = "pg-map-told-of";
    put(made, "b", more.labels[i]).dir = "auto";
    for (const each of shown) {
      if (shown.length > 1) put(made, "h3", each.el.querySelector(":scope > h5").textContent);
      made.append(details(each, i));
    }
    inspector.open({ key: KEY, title: groupOf(state, i) || more.say.point, body: made, from: state.frame, quiet: echo, bottom: () => spot(state, i) });
  };
  // Where a point ends in the window: it is not left under the inspector's sheet.
  const spot = (state, i) => {
    const box = state.frame.getBoundingClientRect();
    return state.plot && state.ready && state.more.d === 2 ? box.top + view(state).y(state.at[1][i]) + 24 : box.bottom;
  };
  // A view that one comes back to tells again what is chosen in it.
  if (window.playground.store) window.playground.store.watchView(() => requestAnimationFrame(() => {
    for (const state of states.values()) if (state.near && state.at && state.chosen >= 0 && aside(state)) tell(state, true);
  }));
  const item = (state, row, i) => {
    const button = put(row, "button");
    button.type = "button";
    if (state.near) button.addEventListener("click", () => { if (states.get(state.el) === state) choose(state, i); });
    else if (!state.more.named) { button.dataset.id = state.more.id[i]; button.addEventListener("click", () => pointed(state, i)); }
    put(button, "i").style.background = tone(state, i);
    put(button, "span", state.more.labels[i]).dir = "auto";
  };

  // ---- selection ----

  const selected = (state, which) => {
    state.selected = which;
    const { more } = state, inspector = aside(state), box = part(state, "selected");
    box.replaceChildren();
    state.el.dispatchEvent(new CustomEvent("playground:selected", { bubbles: true, detail: { points: which, ids: which.map((i) => (more.id ? more.id[i] : i)), labels: which.map((i) => more.labels[i]) } }));
    if (inspector) { inspect(state, inspector); return; }
    if (!which.length) return;
    const head = put(box, "p");
    put(head, "b", more.say.selected.replace("{count}", many(which.length))).setAttribute("aria-live", "polite");
    clearing(state, head);
    list(state, box);
  };
  const clearing = (state, into) => {
    const button = put(into, "button", state.more.say.clear);
    button.type = "button";
    button.addEventListener("click", () => cleared(state));
  };
  const list = (state, into) => {
    const { more, selected: which } = state, rows = put(into, "ol");
    for (const i of which.slice(0, LISTED)) item(state, put(rows, "li"), i);
    if (which.length > LISTED) put(into, "p", more.say.selected_more.replace("{count}", many(which.length - LISTED)), "pg-note");
  };
  // In the inspector with how many there are of each group, and all of them to take along.
  const inspect = (state, inspector) => {
    const { more, selected: which } = state, { tools } = window.playground;
    if (!which.length) { if (inspector.key === SELECTED) inspector.close(); return; }
    const made = document.createElement("div"), acts = put(made, "p", undefined, "pg-map-acts");
    made.className = "pg-map-near";
    const copy = put(acts, "button", more.say.copy);
    copy.type = "button";
    copy.addEventListener("click", () => tools.copying(copy, which.map((i) => more.labels[i]).join("\n"), more.say.copied));
    clearing(state, acts);
    const groups = new Map();
    for (const i of which) { const name = groupOf(state, i); groups.set(name, [...(groups.get(name) || []), i]); }
    if (groups.size > 1) {
      const counts = put(made, "ul", undefined, "pg-map-counts");
      for (const [name, rows] of [...groups].sort((one, other) => other[1].length - one[1].length)) {
        const row = put(counts, "li");
        put(row, "i").style.background = tone(state, rows[0]);
        put(row, "span", name || more.say.rest).dir = "auto";
        put(row, "b", many(rows.length));
      }
    }
    list(state, made);
    inspector.open({ key: SELECTED, title: more.say.selected.replace("{count}", many(which.length)), body: made, from: state.frame });
  };
  const cleared = (state) => {
    if (!state.selected.length) return;
    selected(state, []);
    if (state.plot && state.ready) window.Plotly.update(state.plot, { selectedpoints: [null] }, { selections: [] }, state.points);
  };

  // ---- search by words, in the map's own box ----

  document.addEventListener("input", (event) => {
    const state = event.target.classList && event.target.classList.contains("pg-map-find") && stateOf(event.target);
    if (!state) return;
    const words = event.target.value.trim().toLowerCase().split(/\s+/).filter(Boolean), { labels, say } = state.more;
    state.found = null;
    if (words.length) {
      state.low = state.low || labels.map((each) => each.toLowerCase());
      state.found = [];
      for (let i = 0; i < labels.length; i++) if (words.every((word) => state.low[i].includes(word))) state.found.push(i);
    }
    part(state, "told").textContent = state.found ? say.found.replace("{count}", many(state.found.length)) : "\u00a0";
    again(state);
  });

  const stateIn = (el) => [...states.values()].find((each) => each.at && el.contains(each.el));
  window.playground.maps = {
    found: (el, rows, told) => {
      const state = stateIn(el);
      if (!state) return;
      state.found = rows;
      part(state, "told").textContent = told || (state.chosen >= 0 && trust(state, state.chosen)) || "\u00a0";
      again(state);
    },
    choose: (el, i) => { const state = stateIn(el); if (state) choose(state, i); },
  };
  Object.assign(map, { begun, choose, selected, cleared });
})();
