/*
 * The Next token room. What was tried stands in this page alone: a tree of nodes, each with the ids up to it.
 * The server keeps logits for a while and weighs them anew when a slider moves; only the few shown travel.
 * What is set, the page's store says. Nothing is asked before the room is opened: it opens on what is shipped.
 *
 * chart.js (before) draws bars, tree.js (after) what is around them, inside.js what is folded.
 */
(() => {
  "use strict";
  const page = window.playground, next = page.next;
  const { element, number } = page.tools;
  const { ROOM, frame, part, data, say, built, settings } = next;
  const PAUSE = 500; // milliseconds after the last key before a prompt is read
  const HEARD = 50; // milliseconds between two looks whether the store has what was typed last
  const MOST = 300; // tokens that auto-play writes

  /* What is drawn: nodes that begin a tree; `here`, whose next token is shown; `peek`, a place inside the prompt
     that is looked at instead: {ids, look, actual, at}; the last prompt's ids, tokens, p, rank, perplexity; what
     the tree is of: model, precision, chat. */
  const state = (next.state = { roots: [], here: null, peek: null, prompt: null, shown: "", playing: null });
  let good = ""; // what is shown was asked so
  let unread = "", said = ""; // why what is asked for is not what is shown; the last warning
  let running = null; // AbortController; .look where it reads the prompt
  let of = ""; // what was asked for last: prompt, model, precision, chat
  const conversation = [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");

  const told = (text) => { const place = part("status"); if (place && place.textContent !== text) place.textContent = text; };
  const failed = (text) => { said = text; const place = part("status"); if (place) place.replaceChildren(element("p", "pg-warning", text)); };
  const dim = (why) => { unread = why; frame().classList.toggle("unread", Boolean(why)); };
  const calm = () => { if (unread) failed(unread); else told(""); };

  // ---- the server ----

  const given = (more = {}) => ({ ...settings(), conversation, ...more });
  /* A stream's last word; what it tells on the way goes to the status line. Throws what was refused. */
  const ask = async (name, asked, { signal, quiet } = {}) => {
    let last = null;
    for await (const piece of page.stream(name, asked, signal)) {
      if (piece.error) throw Object.assign(new Error(piece.error), { ours: true });
      if (quiet) { last = piece; continue; }
      if (piece.loading) told(piece.loading);
      else if (piece.waiting) told(say("waiting", { n: piece.waiting }));
      else if (piece.reading) told(say("reading", { done: number(piece.reading), total: number(piece.total) }));
      else last = piece;
    }
    if (!last) throw new page.Lost(name);
    return last;
  };
  const why = (error) => (error.ours ? error.message : say(page.wrong(error)));
  const asking = async (work, look = false) => {
    if (running) running.abort();
    const mine = (running = Object.assign(new AbortController(), { look }));
    let done = false;
    frame().classList.add("busy");
    try {
      told(say("thinking"));
      await work(mine.signal);
      done = true;
      if (running === mine) calm();
    } catch (error) {
      if (running === mine && error.name !== "AbortError") { stop(); failed(why(error)); }
    }
    if (running !== mine) return done;
    running = null;
    const place = frame();
    if (place) place.classList.remove("busy");
    if (done || !of) check(); // what was moved meanwhile, or a look that this one cut short
    return done;
  };
  const quit = () => { // a step on its way would take whoever has gone elsewhere back
    if (!running || running.look) return;
    running.abort();
    running = null;
    frame().classList.remove("busy");
    calm();
  };

  // ---- the tree ----

  const node = (parent, ids, tokens, look, token) => {
    const made = { parent, ids, tokens, look, token, children: [], last: null };
    if (parent) { parent.children.push(made); parent.last = made; } else state.roots.push(made);
    return made;
  };
  const depth = (at) => at.ids.length - rootOf(at).ids.length;
  const rootOf = (at) => { while (at.parent) at = at.parent; return at; };
  const begin = (look) => {
    dim("");
    state.roots = [];
    state.peek = null;
    state.prompt = look;
    const tokens = look.tokens.map((token, i) => ({ token, p: look.p ? look.p[i] : null, rank: look.rank ? look.rank[i] : null }));
    state.here = node(null, look.ids, tokens, look, null);
    state.here.skipped = look.skipped;
    next.draw();
  };
  const stand = (to) => {
    state.here = to;
    state.peek = null;
    if (to.parent) to.parent.last = to;
    next.draw();
    weigh();
  };
  const go = (to) => { if (to) { quit(); stand(to); } };
  const view = () => state.peek || state.here;
  const branched = (ids) => state.roots.find((root) => root.ids.length === ids.length && root.ids.every((id, i) => id === ids[i]));

  const whose = ({ model, quantization, chat } = settings()) => JSON.stringify([model, quantization, chat]);
  const lookAt = async () => {
    const asked = given({ score_prompt: true }), weighed = key(), read = whose(), mine = (of = asks());
    let cut = null;
    const done = await asking(async (signal) => {
      cut = signal;
      const { look } = await ask("next/look", asked, { signal });
      look.asked = weighed;
      state.shown = read;
      good = mine;
      begin(look);
    }, true);
    if (!done && cut && !cut.aborted) dim(said);
    if (!done && cut && cut.aborted && of === mine && !(running && running.look)) of = ""; // asked again
    return done;
  };
  /* Another model is chosen than the tree is of: to that one its ids would say something else. */
  const stale = () => {
    if (!settings().model) return true;
    if (whose() === state.shown) return false;
    if (!(running && running.look && of === asks())) lookAt();
    return true;
  };
  /* Append a token to what is shown and go on from there: greedy, sample, or an id. A place inside the prompt
     becomes a beginning of its own in the tree, so that there is a way back to it. */
  const step = async (choose) => {
    const from = view(), peeked = state.peek, base = state.here;
    if (!from || !from.look || stale()) return false;
    const begun = peeked ? branched(peeked.ids) : from;
    const twin = (id) => begun && begun.children.find((each) => each.token.token[0] === id);
    const known = typeof choose === "number" && twin(choose);
    if (known) { go(known); return true; }
    return asking(async (signal) => {
      const weighed = key();
      const { seed } = settings();
      const drawn = seed !== null && seed >= 0 ? { seed, draws: peeked ? 0 : depth(from) } : { seed: Math.floor(Math.random() * 2 ** 31), draws: 0 };
      const { look } = await ask("next/look", given({ ids: from.ids, choose, ...drawn }), { signal });
      const { chosen } = look;
      const token = { token: chosen.token, p: chosen.p, rank: chosen.rank, chance: chosen.chance, end: chosen.end, made: true };
      const again = twin(chosen.token[0]);
      if (again) { stand(again); return; }
      const skipped = base.skipped || 0;
      const parent = begun || node(null, peeked.ids, base.tokens.slice(0, Math.max(0, from.ids.length - skipped)), peeked.look, null);
      parent.skipped = skipped;
      state.here = node(parent, [...from.ids, chosen.token[0]], [...parent.tokens, token], look, token);
      state.here.skipped = skipped;
      look.asked = weighed;
      state.peek = null;
      next.draw();
    });
  };
  const toPlace = (i) => { // the distribution that the token at place i came from
    if (stale()) return;
    if (i < 1) { told(say("first_place")); return; }
    for (let at = state.here; at; at = at.parent) if (at.ids.length === i) { go(at); return; }
    const ids = state.here.ids.slice(0, i);
    const actual = state.here.ids[i];
    asking(async (signal) => {
      const weighed = key();
      const { look } = await ask("next/look", given({ ids }), { signal });
      look.asked = weighed;
      state.peek = { ids, look, actual, at: i, get children() { const begun = branched(ids); return begun ? begun.children : []; } };
      next.draw();
    });
  };

  // ---- weighing ----

  const key = ({ temperature, top_k, top_p, min_p, count } = settings()) => JSON.stringify([temperature, top_k, top_p, min_p, count]);
  let weighing = false, again = false;
  const weigh = async () => {
    const at = view();
    if (!at || !at.look || at.look.asked === key()) return;
    if (weighing) { again = true; return; }
    weighing = true;
    try {
      const wanted = key();
      const { count } = settings(), more = count !== at.look.candidates.length && at.look.candidates.length < at.look.vocabulary;
      const answer = more || !at.look.row /* shipped */ ? { gone: true } : await page.once("next/weigh", given({ prompt: "", row: at.look.row }));
      if (answer.error) failed(answer.error);
      else if (answer.gone) {
        if (running || whose() !== state.shown) return; // weighed when that one has come
        await asking(async (signal) => {
          const { look } = await ask("next/look", given({ ids: at.ids }), { signal });
          Object.assign(at.look, { ...look, ms: at.look.ms, reused: at.look.reused }, { asked: wanted });
        });
      } else { Object.assign(at.look, { weighed: answer.weighed, asked: wanted }); calm(); }
      if (at === view()) next.drawChart();
    } catch (error) { failed(why(error)); } finally {
      weighing = false;
      if (again) { again = false; weigh(); }
    }
  };

  // ---- auto-play ----

  const stop = () => { if (state.playing) { state.playing = null; next.drawActs(); } };
  const play = async () => {
    const mine = (state.playing = {});
    next.drawActs();
    for (let count = 0; state.playing === mine && count < MOST; count++) {
      const speed = Number(part("acts").querySelector("select").value);
      const began = performance.now();
      if (!(await step("sample")) || state.playing !== mine) break;
      const last = state.here.tokens.at(-1);
      if (last && last.end) break;
      await new Promise((ready) => setTimeout(ready, Math.max(0, speed - (performance.now() - began))));
    }
    if (state.playing === mine) stop();
  };

  const acts = {
    look: () => { stop(); lookAt(); },
    sample: () => { stop(); step("sample"); },
    greedy: () => { stop(); step("greedy"); },
    choose: (id) => { stop(); step(id); },
    visit: (to) => { stop(); go(to); },
    end: () => { quit(); state.peek = null; next.draw(); weigh(); },
    back: () => {
      stop();
      const from = state.here;
      if (state.peek) acts.end();
      else if (from && from.parent) { go(from.parent); state.here.last = from; next.drawActs(); }
    },
    forward: () => { stop(); if (state.here && state.here.last) go(state.here.last); },
    play: () => (state.playing ? stop() : play()),
  };

  // ---- what is shown, and what the controls say ----

  const asks = ({ prompt, model, quantization, chat } = settings()) => JSON.stringify([prompt, model, quantization, chat]);
  let timer = 0;
  const check = (wait = PAUSE) => {
    if (!frame() || !state.here || page.store.view() !== ROOM) return; // of a room that is not open nothing is asked
    if (!settings().model) {
      clearTimeout(timer);
      stop();
      if (running) running.abort();
      of = "";
      failed(say("no_model"));
      dim(said);
      return;
    }
    if (asks() === good && of !== good) { // again what is shown, after something that could not be read
      if (running && running.look) running.abort();
      of = good;
      dim("");
      calm();
    }
    if (asks() !== of && state.prompt.shipped) { // nothing was asked yet: what is shipped needs no model
      const kept = data().examples.find((each) => askedOf(each) === asks());
      if (kept) {
        clearTimeout(timer);
        if (running) running.abort();
        open(kept);
        calm();
        return;
      }
      const { prompt, model } = state.prompt;
      if (!chosen && settings().model === page.store.usual(`${ROOM}.model`) && asks() === askedOf({ prompt, model: settings().model })) return;
    }
    if (asks() === of) { clearTimeout(timer); weigh(); return; }
    stop();
    clearTimeout(timer);
    timer = setTimeout(() => { if (asks() !== of) lookAt(); }, wait);
  };
  page.store.watch((changed) => {
    const mine = changed.filter((id) => id.startsWith(`${ROOM}.`));
    for (const id of mine) delete next.moved[id.slice(ROOM.length + 1)];
    const model = `${ROOM}.model`; // the page's language and this server say which it begins with; a visitor may choose
    if (mine.includes(model) && page.store.get(model) !== page.store.usual(model)) chosen = true;
    if (mine.includes(`${ROOM}.scale`) && frame() && state.here) { next.drawChart(); next.changed(); }
    if (mine.length) check();
  });
  page.store.watchView((view) => { if (view === ROOM) check(0); });

  let chosen = false; // the model, by a visitor
  const recorded = ({ prompt, model }) => ({ ...built(), prompt, model }); // with what else the page is built with
  const askedOf = (example) => asks(recorded(example));
  const open = (example) => { // drawn without asking the server anything
    example.asked = key(recorded(example));
    example.shipped = true;
    of = good = askedOf(example);
    state.shown = whose(recorded(example));
    begin(example);
  };

  // Gradio draws the frame anew (a language, a tab): what was tried comes back into it.
  const drawn = () => {
    const place = frame();
    if (!place || place.dataset.drawn || !page.store.begun()) return;
    place.dataset.drawn = "1";
    if (unread) { dim(unread); calm(); }
    if (!state.here) {
      const { examples } = data();
      open(examples.find((each) => askedOf(each) === asks()) || examples[0]);
    } else next.draw();
    next.drawFind();
    check(0);
  };
  new MutationObserver(drawn).observe(document.documentElement, { childList: true, subtree: true });
  page.runs.soon(drawn);

  // ---- listening ----

  const chosenAt = (token) => { // what was expected there; or, where attention is drawn, whom it looks at
    const at = Number(token.dataset.at);
    if (next.attending(at)) return;
    stop();
    next.inspectPlace(at);
    toPlace(at);
  };
  const lookOnceHeard = (box) => setTimeout(() => (!box.isConnected || settings().prompt === box.value ? acts.look() : lookOnceHeard(box)), HEARD);
  const within = (event, selector) => event.target.closest && event.target.closest(selector);
  const TOKEN = "#next-frame .nx-text .ct", SAMPLE = "next-sample-";
  document.addEventListener("click", (event) => {
    const token = within(event, TOKEN), sample = within(event, `button[id^="${SAMPLE}"]`);
    if (token) chosenAt(token);
    if (sample) page.runs.soon(() => page.store.set({ [`${ROOM}.prompt`]: data().samples[sample.id.slice(SAMPLE.length)] }, "visitor"), () => Boolean(frame() && page.store.view()));
  });
  document.addEventListener("keydown", (event) => {
    const token = within(event, TOKEN);
    if (token && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); chosenAt(token); }
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && within(event, "#next-prompt textarea")) lookOnceHeard(event.target);
  });
  document.addEventListener("input", (event) => {
    const slider = event.target.type === "range" && within(event, "#next-temperature, #next-top-k, #next-top-p, #next-min-p");
    if (!slider) return;
    next.moved[slider.id.slice("next-".length).replace("-", "_")] = Number(event.target.value);
    check();
  });
  window.addEventListener("pagehide", () => { stop(); if (running) running.abort(); });

  Object.assign(next, {
    state, ask, given, why, stale, view, rootOf, check,
    act: (name, what) => acts[name](what),
    changed: () => {}, weighed: () => {}, attending: () => false, painted: () => {}, // the parts below listen, see inside.js
  });
})();
