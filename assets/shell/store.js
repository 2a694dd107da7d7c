/*
 * The one store of the page's controls: their values by id (`sentences.model`), whatever room they belong to.
 *
 * Made by playground/ui/controls.py, which tells what is registered and writes two listeners: one calls `heard`
 * with the values of all controls, one (`due`) takes from here what is to be set in Gradio's components.
 *
 *   page.store.get(id)              a value; page.store.usual(id) what it is built with
 *   page.store.set({id: value})     values, or {choices, visible, interactive, value, …} of whatever is registered;
 *                                   {default}: what a control is now built with, which it follows unless it was changed; {reset: true}: back to it
 *                                   {given: true}: it stays when its default changes, as what a link holds does
 *                                   set({…}, "visitor", who): a visitor pressed `who`, which Back takes back
 *   page.store.common()             the controls that all rooms share (sentence.js)
 *   page.store.touched(id)          when (performance.now) a visitor changed it last
 *   page.store.watch(fn)            fn(ids that changed) once per change; page.store.watchView(fn) for views
 *   page.store.begun()              whether the controls' values are there
 *   page.store.view()               "room/name" of the view that is seen; page.store.go("room/name") opens one
 *   page.store.views()              all of them, [{view, id}]: the id of the element that shows each
 *   page.store.link()               the address of what is seen, for others
 *   page.store.shared()             the same as {view, values}, however long, and "left": what stays here ("brought": files
 *                                   and what was made of them, "private": what was said)
 *   page.store.cut()                whether the address is too short for that
 *   page.store.bring({view, values})   opens that; whether it could: whoever made it, only what fits is taken
 *
 * Values live in sessionStorage, so that a reload and another language bring them back, and two tabs have each
 * their own. The address says the same of the view that is seen, #room/name?control=value…, with what differs
 * from how the page is built; never what is private, nor names of uploads. An entry of the history keeps both,
 * in this browser: Back and Forward bring them back. Where sessionStorage is blocked, the address remains.
 *
 * Gradio tells of a change once for every control that changed, also when it was set from here, and while several
 * are being set, of some that are not yet: `before` holds what such a one was, and what is heard of it is no news.
 */
(() => {
  "use strict";
  const page = window.playground;
  const KEY = "playground.store";
  const SECRET = /^(upload|songs|rows)-[0-9a-f]{32}$/; // to know the name of an upload is to may read it
  const LONGEST = 8000; // characters of an address: what makes it longer stays in this tab
  const SETTLES = 400; // milliseconds without a change until the address is written
  const SETTING = 200; // milliseconds after Gradio set what it was told, in which its echoes come

  let rows = [], shown = 0, known = {}; // controls, those with a component first; by id
  let movable = [], tabs = 0, views = [];
  let values = {};
  let trigger = null, setting = 0;
  const due = new Map(); // id, or a number of tabs → what to set there
  const given = new Set(); // ids of what a link, the history or this tab held, until their default is told anew
  const before = new Map(); // id → what its component in Gradio may still tell: all that it was before what was last set
  const touched = new Map(); // id → when a visitor changed it last
  const watchers = [], viewers = [];
  let seen = "", author = "", writing = 0;

  const same = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);
  const room = (id) => id.split(".")[0];
  const roomOf = (view) => view.split("/")[0];
  const ofRoom = (name) => rows.filter((row) => room(row.id) === name && row.private !== true);

  // ---- what a value may be ----

  const MARK = "__i18n__"; // before the key of a text that Gradio has not said yet: the one it is built with
  const tidy = (row, value) => {
    if (typeof value === "string" && value.startsWith(MARK)) return row.value;
    if (value !== null && value !== undefined) return value;
    return { text: "", list: [], yes: false }[row.kind] ?? null;
  };
  const fits = (row, value) => {
    if (value === null) return row.kind === "number" || row.kind === "choice";
    if (row.choices && ![].concat(value).every((each) => row.choices.includes(each))) return false;
    switch (row.kind) {
      case "list": return Array.isArray(value) && value.every((each) => typeof each === (row.numbers ? "number" : "string"));
      case "yes": return typeof value === "boolean";
      case "number": return typeof value === "number" && Number.isFinite(value);
      case "choice": return typeof value === "string" || typeof value === "number";
      default: return typeof value === "string";
    }
  };
  const open = (row, value) => { // what of a value may stand in a link; undefined: nothing
    if (row.private === true || (Array.isArray(row.private) && row.private.includes(value))) return undefined;
    if (Array.isArray(value)) return value.filter((each) => !SECRET.test(each));
    return SECRET.test(value) ? undefined : value;
  };
  const spelled = (value) => (value === null ? "" : typeof value === "boolean" ? (value ? "1" : "0") : String(value));
  const read = (row, texts) => {
    const one = (text) => (row.kind === "number" || row.numbers ? (text === "" ? null : Number(text)) : text);
    if (row.kind === "list") return texts.filter((text) => text !== "").map(one);
    const text = texts.at(-1);
    if (row.kind === "yes") return { 1: true, true: true, 0: false, false: false }[text]; // anything else is no value
    return row.kind === "choice" && text === "" ? null : one(text);
  };

  // ---- the address ----

  const fragment = (view) => {
    const told = new URLSearchParams();
    let length = 0;
    for (const row of ofRoom(roomOf(view))) {
      const value = open(row, values[row.id]), name = row.id.slice(roomOf(view).length + 1);
      if (value === undefined || same(value, row.value)) continue;
      const texts = Array.isArray(value) && value.length ? value.map(spelled) : [Array.isArray(value) ? "" : spelled(value)];
      const weight = new URLSearchParams(texts.map((text) => [name, text])).toString().length;
      if (length + weight > LONGEST) continue;
      length += weight;
      for (const text of texts) told.append(name, text);
    }
    return `#${view}${told.size ? "?" + told : ""}`;
  };
  // Whether a link would say less than what may be told: it holds so many characters and no more.
  const cut = () => !same(parsed(fragment(seen)).values, shared().values);
  const shared = () => {
    const told = { view: seen, values: {} }, left = new Set();
    for (const row of rows) {
      const value = values[row.id];
      if (room(row.id) !== roomOf(seen) || same(value, row.value)) continue;
      const shown = open(row, value);
      if (shown !== undefined) told.values[row.id] = shown;
      if (!same(shown, value)) left.add(row.private === true && !SECRET.test(value) ? "private" : "brought");
    }
    return { ...told, left: [...left] };
  };
  const bring = (told) => {
    const found = told && typeof told === "object" && views.find((each) => each.view === told.view);
    const given = found && told.values;
    if (!given || typeof given !== "object" || Array.isArray(given)) return false;
    const wanted = {};
    for (const row of ofRoom(roomOf(found.view))) {
      const value = Object.hasOwn(given, row.id) ? given[row.id] : undefined;
      wanted[row.id] = value !== undefined && fits(row, value) && same(open(row, value), value) ? value : row.value;
    }
    set(wanted, "visitor", "file");
    go(found.view);
    return true;
  };
  const parsed = (hash) => {
    const [, view, query] = /^#([\w-]+(?:\/[\w-]+)?)(?:\?(.*))?$/s.exec(hash) || [];
    const found = view && (views.find((each) => each.view === view) || views.find((each) => roomOf(each.view) === roomOf(view)));
    if (!found) return null;
    const told = new URLSearchParams(query), got = {};
    for (const row of ofRoom(roomOf(view))) {
      const name = row.id.slice(roomOf(view).length + 1);
      if (!told.has(name)) continue;
      const value = read(row, told.getAll(name));
      if (fits(row, value)) got[row.id] = value;
    }
    return { view: found.view, values: got };
  };
  const snapshot = () => {
    const held = {};
    for (const row of ofRoom(roomOf(seen))) if (!same(values[row.id], row.value)) held[row.id] = values[row.id];
    return { view: seen, values: held };
  };
  const save = () => {
    const held = {};
    for (const row of rows) if (!same(values[row.id], row.value)) held[row.id] = values[row.id];
    try { sessionStorage.setItem(KEY, JSON.stringify({ hash: location.hash, view: seen, values: held })); } catch { /* the address remains */ }
  };
  // On a Space this page is a frame; the address that a visitor sees and copies is that of the Hub's page around it,
  // which takes it from a message: https://huggingface.co/docs/hub/spaces-handle-url-parameters
  const HUB = "https://huggingface.co";
  const framed = window.parent !== window && (location.hostname.endsWith(".hf.space") || (location.ancestorOrigins || [])[0] === HUB);
  const tellOuter = (url) => {
    if (!framed) return;
    const mine = [...url.searchParams].filter(([name]) => !name.startsWith("__")); // not what the Hub itself says to the frame
    window.parent.postMessage({ queryString: new URLSearchParams(mine).toString(), hash: url.hash }, HUB);
  };
  const OLD = ["tab", "text", "with", "special", "model"]; // of links of before: what they said stands in the fragment now
  const write = (push) => {
    clearTimeout(writing);
    writing = 0;
    const url = new URL(location.href);
    url.hash = fragment(seen);
    if (url.hash !== location.hash) for (const name of OLD) url.searchParams.delete(name);
    const state = { ...history.state, playground: snapshot() };
    const anew = push && (url.hash !== location.hash || !same(history.state && history.state.playground, state.playground));
    try { history[anew ? "pushState" : "replaceState"](state, "", url); } catch { /* too many at once: the next one tells */ }
    tellOuter(url);
    save();
  };
  // One entry for all that is done to one control in a row; what another one did is written before.
  const apart = (who) => { if (writing && who !== author) write(pushing); };
  const told = (by, who) => {
    const other = by === "visitor" && who !== author;
    if (by === "visitor") { apart(who); author = who; }
    pushing = (writing ? pushing : false) || other;
    clearTimeout(writing);
    writing = setTimeout(() => write(pushing), SETTLES);
  };
  let pushing = false;

  const restore = ({ view, values: held }) => { // what an entry of the history, or a link, says of its room
    const wanted = {};
    for (const id of Object.keys(held)) given.add(id);
    for (const row of ofRoom(roomOf(view))) {
      const value = row.id in held ? held[row.id] : row.value;
      if (!same(value, values[row.id])) wanted[row.id] = value;
    }
    author = "";
    clearTimeout(writing);
    writing = 0;
    set(wanted, "history");
    go(view, "history");
    save();
  };
  window.addEventListener("popstate", (event) => {
    if (!trigger) return;
    const from = (event.state && event.state.playground) || parsed(location.hash);
    if (from) restore(from);
  });
  // The page of another language is opened under the address as it is now: what was just done stands in it before.
  document.addEventListener("change", (event) => { if (writing && event.target.dataset && event.target.dataset.pg === "language") write(pushing); }, true);
  window.addEventListener("pagehide", () => { if (trigger) { if (writing) write(pushing); else save(); } });

  // ---- values ----

  const moved = (changed, by, who = changed[0]) => {
    if (!changed.length) return;
    if (by !== "history") told(by, who);
    for (const fn of watchers) fn(changed);
  };
  const heard = (now) => {
    if (!trigger) return;
    const changed = [], follow = {};
    now.forEach((each, i) => {
      const row = rows[i], value = tidy(row, each);
      const arrived = same(value, values[row.id]);
      // Not set yet; or set to what was wanted before something else was: that is on its way.
      if (!arrived && before.has(row.id) && before.get(row.id).some((each) => same(value, each))) return;
      before.delete(row.id);
      if (arrived) return;
      values[row.id] = value;
      changed.push(row.id);
      touched.set(row.id, performance.now());
      if (row.implies && value !== "" && value !== null) Object.assign(follow, row.implies);
      if (row.presets && Object.hasOwn(row.presets, value)) Object.assign(follow, row.presets[value]);
    });
    for (const [id, value] of Object.entries(follow)) if (!changed.includes(id) && place(id, value)) changed.push(id);
    if (due.size) trigger("submit");
    moved(changed, "visitor");
  };
  const place = (id, told) => { // whether its value changed
    const row = known[id];
    const more = told !== null && typeof told === "object" && !Array.isArray(told) ? { ...told } : { value: told };
    let changed = false;
    if (row && "default" in more) {
      const follows = !given.delete(id) && (values[id] === null || same(values[id], row.value));
      if (!("value" in more) && follows) more.value = more.default;
      row.value = tidy(row, more.default);
      delete more.default;
    }
    if (row && more.given) { given.add(id); delete more.given; }
    if (row && more.reset) { more.value = row.value; delete more.reset; given.delete(id); }
    if (!Object.keys(more).length) return false;
    if (row && "value" in more) {
      more.value = tidy(row, more.value);
      changed = !same(more.value, values[id]);
      if (changed && rows.indexOf(row) < shown) before.set(id, [...(before.get(id) || []), values[id]]);
      values[id] = more.value;
      if (!changed && Object.keys(more).length === 1) return false;
    } else if (!row && more.value && more.value.path && !more.value.url) { // a file of this server's
      more.value = { ...more.value, url: new URL(`gradio_api/file=${more.value.path}`, document.baseURI).href };
    }
    if (!row || rows.indexOf(row) < shown) due.set(id, { ...due.get(id), ...more });
    return changed;
  };
  const set = (wanted, by = "store", who = undefined) => {
    if (who) apart(who); // as it was before this
    const changed = Object.entries(wanted).filter(([id, value]) => place(id, value)).map(([id]) => id);
    if (due.size) trigger("submit");
    moved(changed, by, who);
  };
  const taken = () => {
    setting++;
    // Choices before the value that is one of them, and what is not named stays as it is.
    const told = (id) => {
      if (!due.has(id)) return undefined;
      const { value, ...more } = due.get(id);
      return "value" in due.get(id) ? { __type__: "update", ...more, value } : { __type__: "update", ...more };
    };
    const ids = [...rows.slice(0, shown).map((row) => row.id), ...movable, ...Array(tabs).keys()];
    const all = ids.map(told);
    due.clear();
    return all;
  };
  const settled = () => {
    setting--;
    setTimeout(() => { if (!setting) before.clear(); }, SETTING);
  };

  // ---- views ----

  const visible = (each) => { const place = document.getElementById(each.id); return Boolean(place) && place.checkVisibility(); };
  const now = () => {
    let found = null;
    for (const each of views) if (visible(each) && (!found || each.tabs.length > found.tabs.length)) found = each;
    return found ? found.view : seen;
  };
  let looking = 0, wanted = "", until = 0;
  const look = () => {
    looking = 0;
    const view = now();
    const asked = views.find((each) => each.view === wanted);
    if (asked && !visible(asked) && performance.now() < until) return; // on the way there
    wanted = "";
    if (!view || view === seen) return;
    const before = seen;
    seen = view;
    if (!before) history.replaceState({ ...history.state, playground: snapshot() }, "", location.href);
    else if (!asked) { author = "view"; write(true); }
    for (const fn of viewers) fn(view);
  };
  const soon = () => { if (!looking && trigger) looking = setTimeout(look, 30); };
  new MutationObserver(soon).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
  const go = (view, by = "") => {
    const found = views.find((each) => each.view === view);
    if (!found || now() === view) return;
    if (by === "history") { wanted = view; until = performance.now() + 5000; }
    for (const [place, at] of found.tabs) due.set(place, { selected: at });
    if (due.size) trigger("submit");
    soon();
  };

  // ---- the beginning ----

  const begin = (element, lever, told) => {
    rows = [...told.controls, ...told.stored];
    shown = told.controls.length;
    rows.forEach((row) => { row.value = row.said ? row.said[page.lang] : tidy(row, row.value); known[row.id] = row; });
    ({ movable, views } = told);
    tabs = Math.max(-1, ...views.flatMap((each) => each.tabs.map(([place]) => place))) + 1;
    values = Object.fromEntries(rows.map((row) => [row.id, row.value]));
    let held = {};
    try { held = JSON.parse(sessionStorage.getItem(KEY)) || {}; } catch { /* none */ }
    const from = parsed(location.hash), asked = new URLSearchParams(location.search), start = {};
    let older = asked.get("tab");
    for (const [id, value] of Object.entries(held.values || {})) if (known[id] && fits(known[id], value)) { start[id] = value; given.add(id); }
    if (from && location.hash !== held.hash) { // a link: it says all of its room
      for (const row of ofRoom(roomOf(from.view))) {
        start[row.id] = row.id in from.values ? from.values[row.id] : row.value;
        given[row.id in from.values ? "add" : "delete"](row.id);
      }
    } else if (!from && views.length) { // a link of before; those to the first room that knows them need not name it
      const answers = (each) => rows.some((row) => row.query && asked.has(row.query) && room(row.id) === roomOf(each.view));
      const named = views.find((each) => roomOf(each.view) === asked.get("tab")) || views.find(answers) || views[0];
      if (views.some(answers)) older = named.view;
      for (const row of rows) {
        if (!row.query || room(row.id) !== roomOf(named.view) || !asked.has(row.query)) continue;
        const value = read(row, row.kind === "list" ? asked.get(row.query).split(",") : [asked.get(row.query)]);
        if (fits(row, value)) start[row.id] = value;
      }
    }
    trigger = lever;
    for (const [id, value] of Object.entries(start)) place(id, value);
    page.runs.begin(told.actions, element);
    const to = (from && from.view) || older || held.view || "";
    const found = views.find((each) => each.view === to);
    if (found && now() !== to) {
      wanted = to;
      until = performance.now() + 5000;
      for (const [place, at] of found.tabs) due.set(place, { selected: at });
    }
    if (due.size) trigger("submit");
    soon();
  };

  // Gradio says nothing of what its listeners' scripts throw.
  const loud = (work) => (...given) => { try { return work(...given); } catch (error) { console.error(error); throw error; } };

  page.store = {
    begin: loud(begin), heard: loud(heard), settled: loud(settled), due: loud(taken), set, go,
    begun: () => Boolean(trigger),
    get: (id) => values[id],
    usual: (id) => known[id].value, // what it is built with
    common: () => rows.filter((row) => row.shared),
    touched: (id) => touched.get(id) ?? -1,
    view: () => seen,
    busy: () => Boolean(writing || setting || looking || due.size), // until the address tells what is shown
    watch: (fn) => { watchers.push(fn); },
    watchView: (fn) => { viewers.push(fn); },
    views: () => views.map(({ view, id }) => ({ view, id })),
    shared, bring, cut,
    link: () => {
      const url = new URL(location.href);
      url.search = "";
      url.searchParams.set("lang", page.lang);
      url.hash = fragment(seen);
      return url.href;
    },
  };
})();
