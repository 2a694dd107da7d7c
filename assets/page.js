/*
 * The page's own behaviour: the switches of the header, tokens under the pointer, links to share.
 * Everything listens on document, since Gradio builds and rebuilds the page beneath.
 * What comes from texts and vocabularies enters the page by textContent alone.
 */
(() => {
  "use strict";
  const page = window.playground;

  // ---- what the panels' scripts build with ----

  const element = (name, kind, text) => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const button = (text, kind, act) => {
    const made = element("button", kind, text);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  };
  const number = (value, digits = 0) => value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const filled = (sentence, values = {}) => // "{n} tokens"
    sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  // A page over plain HTTP (a teacher's machine in a class) has no clipboard of the new kind.
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* the old way */ }
    const box = document.createElement("textarea");
    box.value = text;
    box.style.cssText = "position:fixed;opacity:0";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  };
  /* Copy at a click on a button, which says so for a while; whether it could. */
  const copying = async (button, text, told) => {
    const done = await copy(text);
    if (!done || button.classList.contains("done")) return done;
    const said = button.textContent;
    button.textContent = told;
    button.classList.add("done");
    setTimeout(() => { button.textContent = said; button.classList.remove("done"); }, 2000);
    return done;
  };
  page.tools = { element, button, number, filled, copying };

  // ---- header ----

  const settle = () => {
    const theme = document.querySelector('[data-pg="theme"]');
    const language = document.querySelector('[data-pg="language"]');
    const large = document.querySelector('[data-pg="large"]');
    if (theme) theme.value = page.theme;
    if (language) language.value = page.lang;
    if (large) large.setAttribute("aria-pressed", String(page.large));
    return Boolean(theme);
  };
  const waiting = new MutationObserver(() => { if (settle()) waiting.disconnect(); });
  waiting.observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener("change", (event) => {
    const what = event.target.dataset && event.target.dataset.pg;
    if (what === "theme") page.setTheme(event.target.value);
    if (what === "language") {
      for (const [panel, state] of Object.entries(states)) keep(panel, JSON.stringify(state));
      page.setLanguage(event.target.value); // the page loads anew; what was typed and chosen comes along
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest('[data-pg="large"]');
    if (button) {
      page.setLarge(!page.large);
      button.setAttribute("aria-pressed", String(page.large));
    }
  });

  // ---- toasts: gradio titles them in English whatever it is told ----

  new MutationObserver(() => {
    const head = document.querySelector(".pg-head");
    for (const title of document.querySelectorAll(".toast-title")) {
      const kind = ["error", "warning", "info"].find((name) => title.classList.contains(name));
      const said = head && kind && head.dataset[kind];
      if (said && title.textContent.trim() !== said) title.textContent = said;
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  // ---- what comes along, and links ----

  const states = {}; // panel → what its controls hold
  page.remember = (panel, state) => { states[panel] = state; };
  const keep = (panel, value) => {
    try { sessionStorage.setItem("playground.carry." + panel, value); } catch { /* not kept, then */ }
  };
  page.carried = (panel) => {
    try {
      const value = sessionStorage.getItem("playground.carry." + panel) || "";
      sessionStorage.removeItem("playground.carry." + panel);
      return value;
    } catch { return ""; }
  };
  /* Values that the page before held, of controls that are built so; those that fit no more stay as built. */
  page.brought = (panel, built) => {
    let values = null;
    try { values = JSON.parse(page.carried(panel)); } catch { /* none */ }
    if (!Array.isArray(values) || values.length !== built.length) return built;
    const kind = (value) => (value === null ? "null" : Array.isArray(value) ? "list" : typeof value);
    return built.map((usual, i) => (kind(values[i]) === kind(usual) || [kind(values[i]), kind(usual)].includes("null") ? values[i] : usual));
  };
  /* What an event asks for: a number that grows, a hash of the rows and their model, and one of everything. */
  let events = 0;
  const hash = (values, made = 0x811c9dc5) => {
    for (const each of JSON.stringify(values)) made = Math.imul(made ^ each.codePointAt(0), 0x01000193) >>> 0;
    return made;
  };
  page.mark = (values) => { // the rows may be long: they are read once
    const rows = hash(values.slice(0, 6)), whole = hash(values.slice(6), rows);
    return `${++events}:${rows.toString(36)}:${whole.toString(36)}`;
  };
  // ---- files that the server would refuse are not sent at all ----

  document.addEventListener("change", (event) => {
    const input = event.target, near = input.type === "file" && input.closest(".tabitem");
    const told = near && near.querySelector("[data-upload-limit]");
    if (!told) return;
    told.hidden = ![...input.files].some((file) => file.size > Number(told.dataset.uploadLimit));
    if (told.hidden) return;
    event.stopImmediatePropagation();
    input.value = "";
  }, true);

  // ---- tokens ----

  const cache = new WeakMap(); // lane → {data, chips}; a new answer makes new lanes
  const read = (element) => JSON.parse(element.textContent);

  const laneOf = (section) => {
    let lane = cache.get(section);
    if (!lane) {
      lane = {
        data: read(section.querySelector(':scope > .pg-data')),
        chips: [...section.querySelectorAll(".tok-text .t")],
        name: section.dataset.name,
      };
      cache.set(section, lane);
    }
    return lane;
  };
  const common = (lanes) => {
    let shared = cache.get(lanes);
    if (!shared) {
      shared = read(lanes.querySelector(':scope > .pg-data'));
      shared.points = [...shared.text]; // code points, as Python counts
      cache.set(lanes, shared);
    }
    return shared;
  };

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

  const row = (list, name, value, code) => {
    const term = document.createElement("dt");
    const description = document.createElement("dd");
    term.textContent = name;
    if (code) description.appendChild(document.createElement("code")).textContent = value;
    else description.textContent = value;
    const pair = document.createElement("div");
    pair.append(term, description);
    list.append(pair);
  };
  const spelled = (data, i) => `${data.p[data.i[i]][0]}\u00a0(${data.i[i]})`;

  const show = (section, index) => {
    const lanes = section.parentElement;
    const lane = laneOf(section);
    const { data, chips } = lane;
    if (index < 0 || index >= chips.length) return;
    const all = common(lanes);
    const [start, end] = [data.s[index], data.e[index]];
    const [piece, bytes, kind] = data.p[data.i[index]];
    clear(lanes);
    chips[index].classList.add("here");
    section.dataset.at = index;

    const detail = lanes.parentElement.querySelector(".tok-detail");
    const list = document.createElement("dl");
    const title = document.createElement("b");
    title.textContent = kind ? `${lane.name} · ${all.kinds[kind]}` : lane.name;
    row(list, all.labels.id, String(data.i[index]));
    row(list, all.labels.piece, piece, true);
    if (end > start) row(list, all.labels.text, all.points.slice(start - all.at, end - all.at).join(""), true);
    if (bytes) row(list, all.labels.bytes, bytes);
    row(list, all.labels.span, `${start}–${end}`);
    const others = [];
    for (const other of lanes.querySelectorAll(":scope > .tok-lane")) {
      if (other === section || end <= start) continue;
      const there = laneOf(other);
      const found = overlapping(there.data, start, end);
      for (const i of found) if (there.chips[i]) there.chips[i].classList.add("same");
      const some = found.slice(0, 8).map((i) => spelled(there.data, i)).join("  ");
      others.push([there.name, some + (found.length > 8 ? " …" : "") || all.labels.none]);
    }
    detail.replaceChildren(title, list);
    if (others.length) {
      const under = document.createElement("b");
      const rest = document.createElement("dl");
      under.textContent = all.labels.others;
      for (const [name, value] of others) row(rest, name, value, true);
      detail.append(under, rest);
    }
    place(detail, lanes, chips[index]);
  };

  // In sight wherever the token is: at the foot of the window, or at its top if the token is at the foot.
  const place = (detail, lanes, chip) => {
    const box = lanes.getBoundingClientRect();
    detail.classList.add("on");
    detail.style.left = `${box.left}px`;
    detail.style.width = `${box.width}px`;
    detail.classList.toggle("high", chip.getBoundingClientRect().bottom > innerHeight - detail.offsetHeight - 16);
  };
  const leave = () => {
    for (const detail of document.querySelectorAll(".tok-detail.on")) {
      detail.classList.remove("on", "high");
      detail.removeAttribute("style");
    }
  };

  const pointed = (event) => {
    const chip = event.target.closest && event.target.closest(".tok-lane .tok-text .t, .tok-lane .tok-text .g");
    if (!chip) return;
    const section = chip.closest(".tok-lane");
    const leaf = chip.classList.contains("t") ? chip : chip.querySelector(".t");
    show(section, laneOf(section).chips.indexOf(leaf));
  };
  document.addEventListener("pointerover", (event) => {
    pointed(event);
    if (event.target.closest && !event.target.closest(".tok-lanes, .tok-detail")) leave();
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.closest && event.target.closest(".tok-lane .tok-text")) leave();
  });
  document.addEventListener("click", pointed);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    const text = event.target.closest && event.target.closest(".tok-lane .tok-text");
    const right = text && getComputedStyle(text).direction === "rtl" ? -1 : 1;
    const step = { ArrowRight: right, ArrowLeft: -right, Home: -Infinity, End: Infinity }[event.key];
    if (!text || step === undefined) return;
    const section = text.closest(".tok-lane");
    const last = laneOf(section).chips.length - 1;
    const at = Number(section.dataset.at ?? -1) + step;
    show(section, Math.min(Math.max(at, 0), last));
    const here = section.querySelector(".here");
    if (here) here.scrollIntoView({ block: "nearest" });
    event.preventDefault();
  });

  // ---- the tree of an architecture: open, close, search, copy ----

  const search = (tree, wanted) => {
    const words = wanted.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    const look = (row) => {
      const own = words.length > 0 && words.every((word) => row.dataset.k.includes(word));
      const below = [...row.querySelectorAll(":scope > .arc-node, :scope > .arc-leaf")].map(look).some(Boolean);
      row.classList.toggle("hit", own);
      row.classList.toggle("gone", words.length > 0 && !own && !below && !row.parentElement.closest(".hit"));
      if (below && row.tagName === "DETAILS") row.open = true;
      found += own;
      return own || below;
    };
    for (const row of tree.querySelectorAll(":scope > .arc-node, :scope > .arc-leaf")) look(row);
    const told = tree.querySelector(".arc-found");
    told.textContent = words.length ? (found ? String(found) : told.dataset.none) : "";
  };
  document.addEventListener("input", (event) => {
    if (event.target.dataset && event.target.dataset.arc === "search") search(event.target.closest(".arc-tree"), event.target.value);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button[data-arc]");
    if (!button) return;
    const what = button.dataset.arc;
    if (what === "copy") {
      copying(button, button.parentElement.querySelector("code").textContent, button.dataset.done);
      return;
    }
    for (const node of button.closest(".arc-tree").querySelectorAll("details")) node.open = what === "open" || !node.parentElement.closest("details");
  });
})();
