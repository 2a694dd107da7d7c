/*
 * Tokens under the pointer, a tap or the arrow keys: the same place of the text under every tokenizer, and in the
 * inspector what the token is. Everything listens on document, since Gradio builds and rebuilds the page beneath.
 * What comes from texts and vocabularies enters the page by textContent alone.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element } = page.tools;
  const KEY = "tokens"; // of the inspector
  const SEEN = "tokens.seen"; // the token that the server is asked about: its id, a blank, its tokenizer
  const cache = new WeakMap(); // lane → {data, chips}; a new answer makes new lanes
  const read = (place) => JSON.parse(place.textContent);

  const laneOf = (section) => {
    let lane = cache.get(section);
    if (!lane) {
      const chips = []; // of each token its parts: one that runs on into the next word has several
      for (const part of section.querySelectorAll(".tok-text .t")) {
        if (part.classList.contains("cont")) chips.at(-1).push(part);
        else chips.push([part]);
      }
      lane = { data: read(section.querySelector(":scope > .pg-data")), chips, name: section.dataset.name };
      cache.set(section, lane);
    }
    return lane;
  };
  const common = (lanes) => {
    let shared = cache.get(lanes);
    if (!shared) {
      shared = read(lanes.querySelector(":scope > .pg-data"));
      shared.points = [...shared.text]; // code points, as Python counts
      cache.set(lanes, shared);
    }
    return shared;
  };
  const lanesIn = (lanes) => [...lanes.querySelectorAll(":scope > .tok-lane")];
  /* The name that the page holds: of an upload it is a secret, and shown nowhere. */
  const nameOf = (section) => common(section.parentElement).names[lanesIn(section.parentElement).indexOf(section)];

  const clear = (lanes) => {
    for (const chip of lanes.querySelectorAll(".here, .same")) chip.classList.remove("here", "same");
  };
  const firstEndingAfter = (ends, at) => { // ends never fall
    let low = 0, high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle] > at) high = middle; else low = middle + 1;
    }
    return low;
  };
  const overlapping = (data, start, end) => {
    const found = [];
    for (let i = firstEndingAfter(data.e, start); i < data.s.length && data.s[i] < end; i++) found.push(i);
    return found;
  };

  // ---- what the inspector says ----

  const row = (list, name, value, code) => {
    const description = element("dd");
    if (code) description.append(element("code", "", value));
    else description.textContent = value;
    list.append(element("dt", "", name), description);
  };
  const spelled = (data, i) => `${data.p[data.i[i]][0]}\u00a0(${data.i[i]})`;
  const more = element("div", "pg-place"); // how it came to be, which the server is asked for
  more.dataset.place = "tok-seen";
  const told = (section, index, others) => {
    const { data, name } = laneOf(section), all = common(section.parentElement);
    const [start, end] = [data.s[index], data.e[index]], [piece, bytes, kind] = data.p[data.i[index]];
    const body = element("div", "tok-seen"), list = element("dl");
    row(list, all.labels.tokenizer, name);
    row(list, all.labels.id, String(data.i[index]));
    row(list, all.labels.piece, piece, true);
    if (end > start) row(list, all.labels.text, all.points.slice(start - all.at, end - all.at).join("").replaceAll(" ", "␣"), true);
    if (bytes) row(list, all.labels.bytes, bytes, true);
    row(list, all.labels.span, `${start}–${end}`);
    if (kind) row(list, all.labels.kind, all.kinds[kind]);
    body.append(list, more);
    if (others.length) {
      const rest = element("dl");
      for (const [other, value] of others) row(rest, other, value, true);
      body.append(element("h3", "", all.labels.others), rest);
    }
    body.append(element("p", "pg-note", all.labels.hint));
    return { key: KEY, title: piece, body, from: section.querySelector(".tok-text") };
  };

  let asked = 0;
  /* Mark a token and its place under the others; say in the inspector what it is, if wanted or if it is open. */
  const show = (section, index, opens) => {
    const lanes = section.parentElement, { data, chips } = laneOf(section);
    if (index < 0 || index >= chips.length) return;
    const [start, end] = [data.s[index], data.e[index]];
    const all = common(lanes), others = [];
    clear(lanes);
    for (const part of chips[index]) part.classList.add("here");
    section.dataset.at = index;
    for (const other of lanesIn(lanes)) {
      if (other === section || end <= start) continue;
      const there = laneOf(other), found = overlapping(there.data, start, end);
      for (const i of found) for (const part of there.chips[i] || []) part.classList.add("same");
      const some = found.slice(0, 8).map((i) => spelled(there.data, i)).join("  ");
      others.push([there.name, some + (found.length > 8 ? " …" : "") || all.labels.none]);
    }
    if (!opens && page.inspector.key !== KEY) return;
    page.inspector.open(told(section, index, others));
    clearTimeout(asked);
    asked = setTimeout(() => page.store.set({ [SEEN]: `${data.i[index]} ${nameOf(section)}` }), 150);
  };

  const pointed = (event, opens) => {
    const chip = event.target.closest && event.target.closest(".tok-lane .tok-text :is(.t, .g)");
    if (!chip) return false;
    const section = chip.closest(".tok-lane"), leaf = chip.classList.contains("t") ? chip : chip.querySelector(".t");
    show(section, laneOf(section).chips.findIndex((parts) => parts.includes(leaf)), opens);
    return true;
  };
  let over = null;
  document.addEventListener("pointerover", (event) => {
    if (!page.inspector.pointed(event)) return;
    if (pointed(event, false)) { over = event.target.closest(".tok-lanes"); return; }
    if (over && !event.target.closest(".tok-lanes") && page.inspector.key !== KEY) { clear(over); over = null; }
  });
  document.addEventListener("playground:inspector", (event) => {
    if (!event.detail.key) for (const lanes of document.querySelectorAll(".tok-lanes")) clear(lanes);
  });
  document.addEventListener("click", (event) => {
    if (pointed(event, true)) return;
    const choose = event.target.closest(".tok-choose"), away = event.target.closest(".tok-away");
    if (choose) page.store.set({ "tokens.one": nameOf(choose.closest(".tok-lane")) }, "visitor", "tokens.one");
    if (event.target.closest(".tok-add")) add();
    if (away) {
      const gone = nameOf(away.closest(".tok-lane"));
      page.store.set({ "tokens.names": page.store.get("tokens.names").filter((each) => each !== gone) }, "visitor", "tokens.names");
    }
  });
  /* Unfold the strip of controls, and go to the box where tokenizers are added. */
  const add = () => {
    const box = () => document.querySelector("#tok-names input");
    if (!box() || !box().checkVisibility()) document.querySelector("#tok-strip .label-wrap").click();
    const ready = () => {
      if (!box() || !box().checkVisibility()) { requestAnimationFrame(ready); return; }
      box().scrollIntoView({ block: "nearest" });
      box().focus();
    };
    ready();
  };
  document.addEventListener("keydown", (event) => {
    const text = event.target.closest && event.target.closest(".tok-lane .tok-text");
    if (!text) return;
    const right = getComputedStyle(text).direction === "rtl" ? -1 : 1, section = text.closest(".tok-lane");
    const { chips } = laneOf(section), at = Number(section.dataset.at ?? -1), all = lanesIn(section.parentElement);
    const step = { ArrowRight: right, ArrowLeft: -right, Home: -Infinity, End: Infinity }[event.key];
    const down = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      show(section, Math.min(Math.max(at + step, 0), chips.length - 1), true);
    } else if (down && all[all.indexOf(section) + down]) { // the same place under the next tokenizer
      const other = all[all.indexOf(section) + down], { data } = laneOf(section), there = laneOf(other);
      const found = overlapping(there.data, data.s[Math.max(at, 0)], Math.max(data.e[Math.max(at, 0)], data.s[Math.max(at, 0)] + 1));
      other.querySelector(".tok-text").focus({ preventScroll: true });
      show(other, found.length ? found[0] : Math.min(Math.max(at, 0), there.chips.length - 1), true);
    } else return;
    const here = document.querySelector(".tok-lanes .here");
    if (here) here.scrollIntoView({ block: "nearest" });
    event.preventDefault();
  });

  // ---- whose row is whose: beside every line ----

  const names = (lanes) => {
    const gutter = lanes.querySelector(":scope > .tok-gutter"), text = lanes.querySelector(".tok-text");
    const wide = gutter.clientWidth > 60;
    const shown = lanesIn(lanes).map((lane, i) => (wide ? lane.dataset.name : String(i + 1)));
    const lines = Math.round(text.clientHeight / parseFloat(getComputedStyle(text).lineHeight)) || 0;
    const line = ["", shown[0], "", "", ...shown.slice(1).flatMap((name) => [name, ""]), "", ""].join("\n"); // two to a row
    const whole = Array(Math.min(lines, 2000)).fill(line).join("\n");
    if (gutter.textContent !== whole) gutter.textContent = whole;
  };
  const sizes = new ResizeObserver((entries) => { for (const { target } of entries) if (target.isConnected) names(target.closest(".tok-lanes")); });
  const laid = new WeakSet();
  const lay = () => {
    for (const lanes of document.querySelectorAll(".tok-lanes")) {
      if (laid.has(lanes)) continue;
      laid.add(lanes);
      sizes.observe(lanes.querySelector(".tok-text"));
    }
  };
  lay();
  new MutationObserver(lay).observe(document.documentElement, { childList: true, subtree: true });
})();
