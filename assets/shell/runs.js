/*
 * Runs: what is asked of the server, and where its answers go. playground/ui/runs.py says what a line holds.
 *
 * Actions are declared in Python and come here as data: which controls and buttons ask for each, which controls it
 * needs, where it answers, in which views. Nothing of a room is written here. An action is asked anew when its
 * controls changed and its view is seen, and then ends what runs of it, and of any other that fills the same places.
 * Each place shows three things: what is told of the run (data-told), its content, and whether that content is still
 * of what is chosen (data-stale). It is kept here, and filled whenever Gradio makes the place, or makes it anew.
 *
 *   page.runs.ask(name)             ask now; page.runs.stop(name) ends it and says so
 *   page.runs.take(room, lines)     lines that came another way (an upload's answer)
 *   page.runs.soon(act, ready)      act once the controls' values are there, and ready() says so, too: what is pressed
 *                                   while Gradio is still making the page waits, and is lost by no room
 *   page.runs.words(key)            what the page says itself (WORDS in playground/ui/controls.py)
 *   page.runs.kinds[kind] = draw    draw(element, value, place) for lines of another kind than html ("figure")
 *
 * For panels with scripts of their own:
 *
 *   page.stream(name, given, signal)   async generator; to leave it closes the connection and ends the work
 *   page.once(name, given)             the first line alone
 *   `playground:answered`              on document, with {name}, when a stream has come to its end
 *   page.wrong(error)                  "lost": nobody answers, or the connection broke; "failed": anything else,
 *                                      which is a fault of ours and goes to the console
 */
(() => {
  "use strict";
  const page = window.playground;

  // ---- the connection ----

  class Lost extends Error {}

  // What the network throws has another name and another text in every browser; by the place alone it is known.
  const overTheNetwork = async (work, signal) => {
    try { return await work(); } catch (error) {
      if (signal && signal.aborted) throw error;
      page.connection.lost();
      throw new Lost("the server does not answer", { cause: error });
    }
  };

  // On a Space that is lent a device by the call (ZeroGPU), the Hub's page around this frame tells a visitor's
  // share of it in headers, to who asks; Gradio's client, which asks for its own queue, notes whether it does.
  const share = () => new Promise((ready) => {
    if (!window.supports_zerogpu_headers || window.parent === window || !location.hostname.endsWith(".hf.space")) return ready({});
    const line = new MessageChannel();
    const answered = (headers) => { clearTimeout(late); line.port1.close(); ready(headers || {}); };
    const late = setTimeout(() => { console.error("the Hub's page tells no share of the device"); answered(); }, 3000);
    line.port1.onmessage = ({ data }) => answered(data);
    window.parent.postMessage("zerogpu-headers", "https://huggingface.co", [line.port2]);
  });

  async function* stream(name, given, signal) {
    const request = new Request(new URL(`playground/${name}`, document.baseURI), {
      method: "POST", body: JSON.stringify(given), signal,
      headers: { ...await share(), "Content-Type": "application/json", "X-Playground-Language": page.lang },
    });
    const answer = await overTheNetwork(() => fetch(request), signal);
    if (page.connection.AWAY.includes(answer.status)) { page.connection.lost(); throw new Lost(String(answer.status)); }
    page.connection.found();
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    const lines = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
      for (;;) {
        const { value, done } = await overTheNetwork(() => lines.read(), signal);
        if (done) { document.dispatchEvent(new CustomEvent("playground:answered", { detail: { name: name.split("?")[0] } })); return; }
        rest += value;
        for (let end; (end = rest.indexOf("\n")) >= 0; rest = rest.slice(end + 1)) yield JSON.parse(rest.slice(0, end));
      }
    } finally { lines.cancel().catch(() => {}); } // who has enough closes the connection, too
  }
  const once = async (name, given) => {
    for await (const only of stream(name, given)) return only;
    throw new Lost(`${name}: no answer`);
  };
  const wrong = (error) => {
    if (error instanceof Lost) return "lost";
    console.error(error);
    return "failed";
  };

  // ---- places ----

  const places = {}; // elem_id → {kind, value, told: {kind, text or html}, stale, busy}
  const painted = new WeakMap(); // a place's element → what it shows
  const kinds = {
    html: (element, value) => { element.innerHTML = value; },
    built: () => {},
    data: (element, value, place) => { element.dispatchEvent(new CustomEvent("playground:data", { bubbles: true, detail: { place, value } })); },
  };
  const at = (place) => (places[place] ||= { told: null, stale: false, busy: false });
  const build = (element) => {
    const told = page.tools.element("div", "pg-told"), body = page.tools.element("div", "pg-body");
    told.setAttribute("aria-live", "polite");
    body.append(...element.childNodes); // what it is built with
    element.replaceChildren(told, body);
    painted.set(element, {});
  };
  const warning = ({ text, again }) => { // what went wrong; where another try may go well, a button for it
    const made = page.tools.element("p", "pg-warning", text);
    if (again) made.append(" ", page.tools.button(words("retry"), "pg-retry", again));
    return made;
  };
  const paint = (place) => {
    const state = at(place);
    for (const element of document.querySelectorAll(`[data-place="${CSS.escape(place)}"]`)) {
      if (!painted.has(element)) build(element);
      const [told, body] = element.children, before = painted.get(element);
      if (before.told !== state.told) {
        const kind = state.told && state.told.kind;
        if (!kind) told.replaceChildren();
        else if (kind === "error") told.replaceChildren(warning(state.told));
        else told.innerHTML = state.told.text;
        told.dataset.told = kind || "";
      }
      if (state.kind && before.content !== state.content) kinds[state.kind](body, state.content.value, place);
      painted.set(element, { told: state.told, content: state.content });
      element.toggleAttribute("data-stale", state.stale && Boolean(state.kind));
      element.setAttribute("aria-busy", String(state.busy));
    }
  };
  // What Gradio makes (a tab is opened) or makes anew is filled with what came before.
  new MutationObserver(() => {
    for (const element of document.querySelectorAll("[data-place]")) if (!painted.has(element) && places[element.dataset.place]) paint(element.dataset.place);
    hurry();
  }).observe(document.documentElement, { childList: true, subtree: true });

  const say = (place, kind, text, again = null) => { at(place).told = text ? { kind, text, again } : null; paint(place); };

  // ---- actions ----

  const USUAL = { on: [], buttons: [], sent: [], places: [], views: [], stops: [], offers: [], needs: [], wait: 250, again: true, stopped: {} };
  let actions = [], element = null;
  const words = (key) => {
    try { return JSON.parse(element.querySelector(".pg-data").textContent)[key]; } catch { return ""; }
  };
  const CUTS = 3; // so often in a row an answer may break off while the server is there
  const AWHILE = 1000; // milliseconds
  const pause = (time, signal) => new Promise((ready) => {
    const timer = setTimeout(ready, time);
    signal.addEventListener("abort", () => { clearTimeout(timer); ready(); }, { once: true });
  });
  const given = (action) => Object.fromEntries(action.needs.map((id) => [id, page.store.get(id)]));
  const key = (action) => JSON.stringify(given(action));
  const isShown = (action) => action.whole && action.content === key(action);
  const isSeen = (action) => !action.views.length || action.views.includes(page.store.view());

  const mark = (action) => { // whether what stands in its places is of what is chosen
    const now = key(action), busy = Boolean(action.running);
    const stale = busy || (action.content !== undefined && action.content !== now);
    const offered = !stale && Boolean(action.whole);
    if (action.offers.length && offered !== Boolean(action.offered)) {
      action.offered = offered;
      page.store.set(Object.fromEntries(action.offers.map((id) => [id, { interactive: offered }])));
    }
    for (const place of action.places) {
      const state = at(place);
      if (state.by && state.by !== action) continue; // another one has filled it
      Object.assign(state, { stale: busy || (state.key !== undefined && state.key !== now), busy });
      paint(place);
    }
  };
  const end = (action) => {
    clearTimeout(action.timer);
    if (!action.running) return;
    action.running.abort();
    action.running = null;
    action.asked = undefined;
    const place = action.places[0];
    if (place && at(place).told && at(place).told.kind === "progress") say(place, "", "");
  };
  const untouched = (wanted, action) => { // what a visitor has changed since it was asked is theirs
    const left = Object.entries(wanted).map(([id, told]) => {
      if (!action.since || page.store.touched(id) <= action.since) return [id, told];
      if (told === null || typeof told !== "object" || Array.isArray(told)) return null;
      const { value, ...more } = told;
      return [id, more];
    });
    return Object.fromEntries(left.filter(Boolean));
  };
  const take = (line, action) => {
    const place = line.place || action.places[0];
    if ("set" in line) { page.store.set(untouched(line.set, action)); return; }
    if ("ask" in line) { const other = named(line.ask); if (isSeen(other)) ask(other, line.by); else other.waits = true; return; }
    if (!place) { if (line.error) console.error(line.error); return; }
    for (const kind of ["progress", "status", "error"]) if (kind in line) { say(place, kind, line[kind], line.again && retry(action)); return; }
    const kind = Object.keys(line).find((name) => name in kinds);
    if (!kind) return;
    const state = Object.assign(at(place), { kind, content: { value: line[kind] }, by: action, key: action.asked, stale: false });
    if (state.told && state.told.kind === "progress") state.told = null;
    action.content = action.asked ?? action.content;
    action.whole = false;
    paint(place);
  };
  const retry = (action) => (action.needs ? () => ask(action, action.last) : null); // of an upload nothing is left to ask with
  const ask = async (action, by = "") => {
    for (const other of actions) if (other === action || other.places.some((place) => action.places.includes(place))) end(other);
    const mine = (action.running = new AbortController()), values = given(action), first = action.places[0];
    action.asked = JSON.stringify(values);
    action.waits = false;
    action.known = true;
    action.since = performance.now();
    action.last = by;
    for (const place of action.places) say(place, "", "");
    mark(action);
    let failed = false;
    for (let wait = 0, cut = 0; ; wait = Math.min(2 * wait || 1000, 15000)) {
      try {
        for await (const line of stream(`${action.name}?by=${encodeURIComponent(by)}`, values, mine.signal)) {
          if (mine.signal.aborted) return;
          if ("error" in line) failed = true;
          take(line, action);
        }
        break;
      } catch (error) {
        if (mine.signal.aborted) return;
        const why = wrong(error);
        failed = true;
        if (why !== "lost" || !action.again || ++cut > CUTS) {
          if (first) say(first, "error", words(why === "lost" ? "broken" : why), retry(action));
          break;
        }
        // The banner tells it; what stands here is dimmed, and asked for again when the server is back.
        const since = performance.now();
        await Promise.race([page.connection.lost(), pause(2 ** 30, mine.signal)]);
        if (performance.now() - since > AWHILE) cut = wait = 0; // it was away, and this connection not alone
        else await pause(wait, mine.signal);
        if (mine.signal.aborted) return;
        failed = false;
      }
    }
    action.running = null;
    action.whole = !failed;
    if (!failed) {
      action.content = action.asked;
      for (const place of action.places) if (at(place).by === action) at(place).key = action.asked;
    }
    action.asked = undefined;
    if (first && at(first).told && at(first).told.kind === "progress") say(first, "", "");
    if (!failed && first && at(first).told && at(first).told.kind === "error") say(first, "", "");
    mark(action);
  };
  const consider = (action, changed) => {
    if (!action.needs.some((id) => changed.includes(id)) && !action.on.some((id) => changed.includes(id))) return;
    const now = key(action);
    if (isShown(action)) { // back to what is shown
      end(action);
      action.waits = false;
      if (action.places[0] && at(action.places[0]).told) say(action.places[0], "", "");
      mark(action);
      return;
    }
    mark(action);
    const by = action.on.find((id) => changed.includes(id));
    if (!by || now === action.asked) return;
    if (!isSeen(action)) { end(action); mark(action); action.waits = true; return; }
    clearTimeout(action.timer);
    action.by = by;
    action.timer = setTimeout(() => ask(action, by), action.wait);
  };
  const stop = (action) => {
    clearTimeout(action.timer);
    if (!action.running) return;
    end(action);
    if (action.places[0]) say(action.places[0], "status", `<p class="pg-note">${action.stopped[page.lang] || words("stopped")}</p>`);
    mark(action);
  };
  const opened = (view) => {
    for (const action of actions)
      if (action.views.includes(view) && ((action.opens && !action.known && !isShown(action)) || action.waits || action.anew)) ask(action, "open");
  };

  // ---- what asks ----

  const early = []; // {act, ready}: pressed while Gradio was still making the page
  const hurry = () => {
    if (!element) return;
    for (const each of early.splice(0)) if (each.ready()) each.act(); else early.push(each);
  };
  const soon = (act, ready = () => true) => { early.push({ act, ready }); hurry(); };
  const pressed = (ids) => {
    for (const action of actions) {
      if (action.stops.some((id) => ids.includes(id))) stop(action);
      const asks = action.buttons.find((id) => ids.includes(id));
      if (asks) ask(action, "#" + asks);
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button[id], [id] > button");
    const ids = button ? [button.id, button.parentElement.id] : [];
    if (!ids.some(Boolean) || button.disabled) return;
    soon(() => pressed(ids));
  });
  // Enter in a field of one line, Shift and Enter in one of several: it is sent.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input, textarea")) return;
    if (event.target.matches("textarea:not([rows='1'])") !== event.shiftKey) return;
    const asking = actions.filter((each) => each.sent.some((id) => event.target.closest(`[id="${CSS.escape(id)}"]`)));
    setTimeout(() => { for (const action of asking) ask(action, "@" + action.sent[0]); }, 50); // its last letter is heard first
  });
  // Enter in a field of one line: what waits for the next key waits no longer.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches("input, textarea[rows='1']")) return;
    setTimeout(() => { for (const action of actions) if (action.timer && action.by && isSeen(action) && key(action) !== (action.asked ?? action.content)) { clearTimeout(action.timer); ask(action, action.by); } }, 50);
  });
  window.addEventListener("pagehide", () => { for (const action of actions) if (action.running) { end(action); action.waits = true; } });
  window.addEventListener("pageshow", (event) => { if (event.persisted) opened(page.store.view()); }); // come back by Back

  const begin = (told, lever) => {
    actions = told.map((each) => ({ ...USUAL, ...each }));
    for (const action of actions) if (action.on === "needs") action.on = action.needs;
    element = lever;
    page.store.watch((changed) => { for (const action of actions) consider(action, changed); });
    page.store.watchView(opened);
    for (const action of actions) {
      if (!action.built) continue;
      Object.assign(action, { content: JSON.stringify(Object.fromEntries(action.needs.map((id) => [id, page.store.usual(id)]))), whole: true });
      for (const place of action.places) Object.assign(at(place), { kind: "built", by: action, key: action.content });
    }
    for (const action of actions) if (!action.views.length && action.opens) ask(action, "open");
    hurry();
  };
  const named = (name) => actions.find((each) => each.name === name);

  page.runs = {
    begin, kinds, soon, words,
    ask: (name, by = "") => ask(named(name), by),
    stop: (name) => stop(named(name)),
    take: (room, lines) => { for (const line of lines || []) take(line, { name: room, places: [] }); },
  };
  Object.assign(page, { stream, once, wrong, Lost });
})();
