/*
 * One reply of Chat's as it comes: asked for with the settings as they stand, token by token, with how far it is.
 * What is said there enters the page by textContent alone. Chat's other scripts build with what stands here, under
 * `playground.chat`.
 *
 *   settings()                     what the controls say now, by the names that the server has for it
 *   write(asked, message, hear)    one reply into a message: hear.prompt(piece), hear.tokens(from); what went wrong
 *   busy(), stop()                 whether one is being written; end it
 *   piece(message, from, to)       its text between two places, its tokens as spans
 *
 * A message: {role, content, ids, p, n, done}: of a reply's tokens the ids, probabilities and lengths.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, number, percent, filled } = page.tools;
  const { stream, wrong } = page;
  const NAMED = { quantization: "precision" }; // where the control has another name
  const NAMES = ["model", "quantization", "system", "max_new_tokens", "temperature", "top_k", "top_p", "min_p",
                 "repetition_penalty", "seed", "engine"];
  const SLOW = 5000; // milliseconds without a token after which we say so

  let running = null; // {abort, at, begun, drawn, count}

  const settings = () => Object.fromEntries(NAMES.map((name) => [name, page.store.get("chat." + (NAMED[name] || name))]));

  // ---- the page ----

  const frame = () => document.querySelector("#chat-frame .chat");
  const part = (name) => frame() && frame().querySelector(".chat-" + name);
  const told = () => JSON.parse(frame().querySelector(".pg-data").textContent); // words, presets, larger models
  const say = (key, values) => filled(told().words[key] || key, values);
  const status = (text) => {
    const place = part("status");
    if (place && place.textContent !== text) place.textContent = text;
  };

  /* Of a reply's text the piece between two places, its tokens as spans; what has no token (an imported reply) is text. */
  const starts = new WeakMap(); // a message → where each token begins, as far as it is known
  const piece = (message, from, to) => {
    const known = starts.get(message) || [0];
    starts.set(message, known);
    while (known.length <= message.n.length) known.push(known.at(-1) + message.n[known.length - 1]);
    const made = document.createDocumentFragment();
    let low = 0, high = message.n.length; // the first token that ends after `from`
    while (low < high) { const middle = (low + high) >> 1; if (known[middle + 1] > from) high = middle; else low = middle + 1; }
    for (let i = low; i < message.n.length && known[i] < to; i++) {
      const text = message.content.slice(Math.max(from, known[i]), Math.min(to, known[i + 1]));
      if (!text) continue;
      const span = element("span", "ct", text);
      span.dataset.i = i;
      const p = message.p[i];
      if (p !== null && p !== undefined) {
        span.style.setProperty("--p", p);
        span.title = percent(p);
      }
      made.append(span);
    }
    const rest = Math.max(from, known[message.n.length]);
    if (rest < to) made.append(message.content.slice(rest, to));
    return made;
  };
  const spans = (message, from = 0) => { // from this token on
    const known = message.n.slice(0, from).reduce((sum, n) => sum + n, 0);
    return piece(message, known, message.content.length);
  };

  const ended = (done) => say(done.drawn === false ? "done_greedy" : "done", {
    n: done.new_tokens, s: number(done.seconds, 1), rate: number(done.tokens_per_second, 0),
    why: say(done.stop_reason), seed: done.seed,
  }) + (done.engine && done.engine !== "transformers" ? " · " + done.engine : "");

  // ---- a reply ----

  const empty = () => ({ role: "assistant", content: "", ids: [], p: [], n: [], done: null });
  const add = (message, { text, ids: [...ids], p: [...p], n: [...n] }) => { // of a broken piece nothing is added
    message.content += text;
    message.ids.push(...ids);
    message.p.push(...p);
    message.n.push(...n);
  };

  /* One reply into `message`, told by `hear`; what came before an error or a stop stays. */
  const write = async (asked, message, hear) => {
    const abort = new AbortController();
    const mine = (running = { abort, at: performance.now(), begun: 0, count: 0, drawn: asked.temperature > 0 });
    let broken = "";
    status(say("starting"));
    const watch = setInterval(() => {
      const pause = performance.now() - mine.at;
      if (mine.begun && pause > SLOW) status(say("slow", { s: Math.round(pause / 1000) }));
    }, 1000);
    try {
      let whole = false;
      for await (const piece of stream("chat", asked, abort.signal)) {
        mine.at = performance.now();
        if (piece.error) { broken = piece.error; whole = true; }
        else if (piece.loading) status(piece.loading);
        else if (piece.prompt) {
          status(say("reading", { done: "0", total: number(piece.tokens) }));
          if (hear.prompt) hear.prompt(piece);
        }
        else if ("waiting" in piece) status(say("waiting", { n: piece.waiting }));
        else if ("reading" in piece) status(say("reading", { done: number(piece.reading), total: number(piece.total) }));
        else if (piece.ids) {
          const from = message.n.length;
          add(message, piece);
          if (piece.p[0] !== null) {
            mine.begun = mine.begun || performance.now();
            mine.count += piece.ids.length;
            const seconds = (performance.now() - mine.begun) / 1000;
            status(say("writing", { n: mine.count, rate: seconds > 0.3 ? number(mine.count / seconds) : "…" }));
          }
          hear.tokens(from);
        } else if (piece.done) { message.done = { ...piece.done, drawn: mine.drawn }; whole = true; }
      }
      if (!whole) broken = lost(message);
    } catch (error) {
      if (!abort.signal.aborted) broken = wrong(error) === "lost" ? lost(message) : say("failed");
    } finally {
      clearInterval(watch);
      if (abort.signal.aborted) message.done = { ...measured(mine, asked), stop_reason: "stopped" };
      if (running === mine) running = null;
    }
    return broken;
  };
  const lost = (message) => say(message.ids.length ? "lost" : "away");
  const measured = ({ begun, count, drawn }, { seed }) => {
    const seconds = begun ? (performance.now() - begun) / 1000 : 0;
    return { new_tokens: count, seconds, tokens_per_second: seconds ? count / seconds : 0, seed, drawn };
  };

  page.chat = {
    ...page.chat, settings, frame, part, told, say, status, percent, piece, spans, ended, empty, write,
    busy: () => Boolean(running),
    stop: () => { if (running) running.abort.abort(); },
  };
})();
