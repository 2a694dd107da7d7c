/*
 * The conversation of the Chat panel. It lives in the page alone (nothing of it is kept on the server), asks
 * for replies as a stream of small changes, and writes everything by textContent.
 *
 * A message: {role, content, ids, p, n, done}: of a reply's tokens the ids, probabilities and lengths. One of
 * the visitor's that got no answer is {…, unanswered: true}: it stays to be read and sent again, and no later
 * prompt holds it.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, number, filled, copying } = page.tools;
  const { stream, once, wrong } = page;
  const NAMES = ["model", "quantization", "system", "max_new_tokens", "temperature", "top_k", "top_p", "min_p",
                 "repetition_penalty", "seed"];
  const KEPT = "playground.chat";
  const SLOW = 5000; // milliseconds without a token after which we say so

  let messages = [];
  let settings = {};
  let prompt = null; // of the last reply: its parts, window, what was left out
  let running = null; // {abort, since, at}
  let note = "";
  const token = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
  let conversation = token();

  // ---- the page ----

  const frame = () => document.querySelector("#chat-frame .chat");
  const part = (name) => frame() && frame().querySelector(".chat-" + name);
  const words = () => JSON.parse(frame().querySelector(".pg-data").textContent);
  const say = (key, values) => filled(words()[key] || key, values);
  const status = (text) => {
    const place = part("status");
    if (place && place.textContent !== text) place.textContent = text;
  };
  const percent = (p) => (p >= 0.1 ? (100 * p).toFixed(0) : (100 * p).toPrecision(2)) + " %";

  const spans = (message, from = 0) => {
    // Tokens as spans; what has no token of its own (an imported reply) is plain text.
    const made = document.createDocumentFragment();
    let at = 0;
    message.n.forEach((length, i) => {
      const text = message.content.slice(at, at + length);
      at += length;
      if (i < from || !length) return;
      const span = element("span", "ct", text);
      span.dataset.i = i;
      const p = message.p[i];
      if (p !== null && p !== undefined) {
        span.style.setProperty("--p", p);
        span.title = percent(p);
      }
      made.append(span);
    });
    if (at < message.content.length) made.append(message.content.slice(at));
    return made;
  };

  const drawn = (message, i) => {
    const box = element("article", "chat-msg " + message.role);
    box.dataset.i = i;
    const head = element("header");
    head.append(element("b", "", say(message.role)));
    head.append(button(say("copy"), "", async (event) => {
      if (!(await copying(event.currentTarget, message.content, say("copied")))) status(say("copy_failed"));
    }));
    if (message.role === "user") head.append(button(say("edit"), "", () => edit(i)));
    const body = element("div", "chat-body");
    body.dir = "auto";
    if (message.role === "assistant") body.append(spans(message)); else body.textContent = message.content;
    box.append(head, body);
    if (message.done) box.append(element("footer", "", ended(message.done)));
    if (message.unanswered) {
      box.classList.add("unanswered");
      const foot = element("footer", "", say("unanswered") + " ");
      foot.append(button(say("save"), "", () => again(i)));
      box.append(foot);
    }
    return box;
  };
  const ended = (done) => say(done.drawn === false ? "done_greedy" : "done", {
    n: done.new_tokens, s: number(done.seconds, 1), rate: number(done.tokens_per_second, 0),
    why: say(done.stop_reason), seed: done.seed,
  });

  const draw = () => {
    const log = part("log");
    if (!log) return;
    log.replaceChildren(...messages.map(drawn));
    if (!messages.length) log.append(element("p", "pg-note", say("empty")));
    part("samples").hidden = messages.length > 0;
    part("token").hidden = true;
    log.scrollTop = log.scrollHeight;
    context();
    keepAll();
  };
  const keepAll = () => {
    const worth = messages.filter((each) => each.role === "user" || each.content || (each.ids || []).length);
    try { sessionStorage.setItem(KEPT, JSON.stringify({ messages: worth, conversation })); } catch { /* too long */ }
  };

  const context = () => {
    const place = part("context");
    place.replaceChildren();
    place.hidden = !prompt;
    if (!prompt) return;
    const said = answered(messages); // what the server counted
    const reply = messages.length && messages.at(-1).role === "assistant" ? (messages.at(-1).ids || []).length : 0;
    const used = prompt.tokens + (prompt.begun ? reply - prompt.begun : reply);
    const whole = prompt.window || used;
    place.append(element("p", "", prompt.window
      ? say("context", { used: number(used), window: number(prompt.window) })
      : say("context_open", { used: number(used) })));
    const bar = element("div", "chat-bar");
    const add = (source, index, count) => {
      if (!count) return;
      const piece = element("i", "src src-" + (source === "cue" ? "template" : source === "reply" ? "assistant" : source));
      piece.style.width = (100 * count) / whole + "%";
      piece.title = `${say("source_" + source)}${index >= 0 ? " " + (index + 1) : ""}: ${number(count)}`;
      bar.append(piece);
    };
    for (const [source, index, count] of prompt.prompt) add(source, index, count);
    add("reply", -1, used - prompt.tokens);
    place.append(bar);
    if (prompt.dropped.length)
      place.append(element("p", "pg-warning", say("dropped", { list: prompt.dropped.map((i) => `${say(said[i] ? said[i].role : "user")} ${i + 1}`).join(", ") })));
    if (prompt.completion) place.append(element("p", "pg-note", say("completion")));
    if (prompt.merged) place.append(element("p", "pg-note", say("merged")));
  };

  // ---- the server ----

  const answered = (list) => list.filter((each) => !each.unanswered);
  const theLast = (list, unanswered) => { // the same, its last message waiting for an answer, or left without one
    const last = list.at(-1);
    return last && last.role === "user" ? [...list.slice(0, -1), { role: "user", content: last.content, ...(unanswered ? { unanswered } : {}) }] : list;
  };
  const given = (said, more = {}) => ({
    ...settings, conversation,
    messages: answered(said).map(({ role, content, ids }) => (ids && ids.length ? { role, content, ids } : { role, content })),
    ...more,
  });

  // ---- replies ----

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
    running = { abort, at: performance.now(), begun: 0, drawn: asked.temperature > 0 };
    const mine = running;
    let broken = "";
    note = "";
    status(say("starting"));
    const watch = setInterval(() => {
      const pause = performance.now() - mine.at;
      if (mine.begun && pause > SLOW) status(say("slow", { s: Math.round(pause / 1000) }));
    }, 1000);
    try {
      let ended = false;
      for await (const piece of stream("chat", asked, abort.signal)) {
        mine.at = performance.now();
        if (piece.error) { broken = piece.error; ended = true; }
        else if (piece.loading) status(piece.loading);
        else if (piece.prompt) {
          status(say("reading", { done: "0", total: number(piece.tokens)}));
          if (hear.prompt) hear.prompt(piece);
        }
        else if ("waiting" in piece) status(say("waiting", { n: piece.waiting }));
        else if ("reading" in piece) status(say("reading", { done: number(piece.reading), total: number(piece.total) }));
        else if (piece.ids) {
          const from = message.n.length;
          add(message, piece);
          if (piece.p[0] !== null) {
            mine.begun = mine.begun || performance.now();
            mine.count = (mine.count || 0) + piece.ids.length;
            const seconds = (performance.now() - mine.begun) / 1000;
            status(say("writing", { n: mine.count, rate: seconds > 0.3 ? number(mine.count / seconds) : "…" }));
          }
          hear.tokens(from);
        } else if (piece.done) { message.done = { ...piece.done, drawn: mine.drawn }; ended = true; }
      }
      if (!ended) broken = lost(message);
    } catch (error) {
      if (!abort.signal.aborted) broken = wrong(error) === "lost" ? lost(message) : say("failed");
    } finally {
      clearInterval(watch);
      if (abort.signal.aborted) message.done = { ...measured(message, mine), stop_reason: "stopped" };
      if (running === mine) running = null;
    }
    return broken;
  };
  const lost = (message) => say(message.ids.length ? "lost" : "away");
  const measured = (message, mine) => {
    const seconds = mine.begun ? (performance.now() - mine.begun) / 1000 : 0;
    const count = mine.count || 0;
    return { new_tokens: count, seconds, tokens_per_second: seconds ? count / seconds : 0, seed: settings.seed, drawn: mine.drawn };
  };

  /* One reply to the last message; whether anything came. Where nothing did, `kept` is the conversation again. */
  const reply = async (more = {}, kept = messages) => {
    if (running) { messages = kept; return false; }
    const before = theLast(messages, false);
    const message = { ...empty(), model: more.model || settings.model, quantization: "quantization" in more ? more.quantization : settings.quantization };
    const shown = messages = [...before, message];
    draw();
    const box = part("log").lastElementChild;
    const body = box.querySelector(".chat-body");
    box.classList.add("on");
    const log = part("log");
    const broken = await write(given(before, more), message, {
      prompt: (piece) => { prompt = { ...piece, begun: (more.prefix || []).length }; context(); },
      tokens: (from) => {
        const low = log.scrollHeight - log.scrollTop - log.clientHeight < 80; // who reads above stays there
        body.append(spans(message, from));
        if (low) log.scrollTop = log.scrollHeight;
      },
    });
    if (messages !== shown) return true; // cleared, or a file was opened
    if (!message.ids.length) messages = theLast(kept, true);
    draw();
    if (broken) {
      status("");
      part("log").append(element("p", "pg-warning", broken));
      part("log").scrollTop = part("log").scrollHeight;
    } else status("");
    if (document.querySelector("#chat-hood-view") && document.querySelector("#chat-hood-view").childElementCount) hood();
    return message.ids.length > 0;
  };

  const send = (said) => {
    if (running || !said || !said.trim()) return said;
    messages = [...theLast(messages, true), { role: "user", content: said }];
    reply();
    return "";
  };
  const again = (i) => {
    if (running) return;
    const { content } = messages[i];
    messages = [...messages.slice(0, i), ...messages.slice(i + 1), { role: "user", content }];
    reply();
  };
  const intoBox = (words) => { // unless something else stands in it
    const box = document.querySelector("#chat-box textarea");
    if (box && !box.value) { box.value = words; box.dispatchEvent(new Event("input", { bubbles: true })); }
  };
  const by = (each) => (each.model ? { model: each.model, quantization: each.quantization } : {}); // ids are of that model
  const lastUser = () => messages.map((each) => each.role).lastIndexOf("user");

  const edit = (i) => {
    if (running) return;
    const box = part("log").querySelector(`[data-i="${i}"].chat-msg`);
    const area = element("textarea");
    area.value = messages[i].content;
    area.rows = Math.min(10, area.value.split("\n").length + 1);
    const row = element("div", "chat-row");
    row.append(button(say("save"), "", () => {
      if (!area.value.trim()) return;
      if (running) return;
      const kept = messages, words = area.value;
      messages = [...messages.slice(0, i), { role: "user", content: words }];
      reply({}, kept).then((came) => { if (!came) intoBox(words); });
    }), button(say("cancel"), "", draw));
    box.replaceChildren(area, row);
    area.focus();
  };

  const acts = {
    stop: () => running && running.abort.abort(),
    regenerate: () => {
      const i = lastUser();
      if (i < 0) return status(say("nothing"));
      const kept = messages;
      messages = messages.slice(0, i + 1);
      reply({}, kept);
    },
    continue: () => {
      const last = messages.at(-1);
      if (!last || last.role !== "assistant" || !last.ids.length) return status(say("nothing"));
      const kept = messages;
      messages = messages.slice(0, -1);
      const stopped = last.done && last.done.stop_reason === "eos" ? last.ids.slice(0, -1) : last.ids;
      reply({ ...by(last), prefix: stopped }, kept);
    },
    undo: () => {
      const i = lastUser();
      if (i < 0) return status(say("nothing"));
      intoBox(messages[i].content);
      messages = messages.slice(0, i);
      prompt = null;
      draw();
    },
    clear: () => { messages = []; prompt = null; conversation = token(); draw(); status(""); },
    hood: () => hood(),
  };

  const why = (error) => say(wrong(error) === "lost" ? "away" : "failed");
  const hood = async () => {
    // What is folded is not in the page yet in the moment it opens.
    for (let i = 0; i < 50 && !document.querySelector("#chat-hood-view"); i++)
      await new Promise((ready) => setTimeout(ready, 40));
    const view = document.querySelector("#chat-hood-view");
    if (!view) return;
    if (!messages.length) { view.textContent = say("nothing"); return; }
    const upTo = messages.at(-1).role === "assistant" ? messages.slice(0, -1) : theLast(messages, false);
    try {
      const found = await once("chat/prompt", given(upTo));
      if (found.error) view.replaceChildren(element("p", "pg-warning", found.error));
      else view.innerHTML = found.html; // the server's own; every text in it is escaped
    } catch (error) { view.textContent = why(error); }
  };

  // ---- a token and what else could have stood there ----

  let looked = 0; // the newest question: an older one's answer may come later
  const look = async (i, at) => {
    const mine = ++looked;
    const message = messages[i];
    const panel = part("token");
    panel.hidden = false;
    panel.replaceChildren(element("p", "pg-note", "…"));
    let found;
    try {
      found = await once("chat/alternatives", given(messages.slice(0, i), { ...by(message), prefix: message.ids.slice(0, at) }));
    } catch (error) { found = { error: why(error) }; }
    if (mine !== looked) return;
    panel.replaceChildren();
    if (found.error) { panel.append(element("p", "pg-warning", found.error)); return; }
    const head = element("header");
    head.append(element("p", "pg-note", say("alternatives")), button(say("close"), "", () => { panel.hidden = true; }));
    const list = element("ul");
    for (const each of found.alternatives) {
      const item = element("li");
      const chosen = each.id === message.ids[at];
      const choice = button("", chosen ? "chosen" : "", () => {
        if (running) return;
        const kept = messages;
        messages = messages.slice(0, i);
        reply({ ...by(message), prefix: [...message.ids.slice(0, at), each.id] }, kept);
      });
      const text = element("code", "", each.text.replaceAll(" ", "␣").replaceAll("\n", "↵") || "∅");
      const bar = element("i");
      bar.style.width = 100 * each.p + "%";
      choice.append(text, element("span", "", percent(each.p) + (chosen ? " · " + say("chosen") : "")), bar);
      item.append(choice);
      list.append(item);
    }
    panel.append(head, list, element("p", "pg-note", `${say("rest")}: ${percent(found.rest)}`));
  };

  // ---- side by side ----

  const compare = async ([model, quantization, temperature, top_p]) => {
    if (running) return;
    const i = lastUser();
    const place = document.querySelector("#chat-two");
    if (i < 0) { place.replaceChildren(element("p", "pg-note", say("nothing"))); return; }
    const said = theLast(messages.slice(0, i + 1), false);
    const seed = Number.isInteger(settings.seed) && settings.seed >= 0 ? settings.seed : Math.floor(Math.random() * 2 ** 31);
    const sides = [{}, { model, quantization, temperature, top_p }].map((other) => ({ ...settings, ...other, seed }));
    place.replaceChildren();
    const columns = sides.map((side) => {
      const column = element("section", "chat-msg assistant");
      column.append(element("header", "", `${side.model} ${side.quantization || ""} · T ${side.temperature} · top-p ${side.top_p} · seed ${seed}`));
      const body = element("div", "chat-body");
      body.dir = "auto";
      column.append(body);
      place.append(column);
      return { body, message: empty(), column };
    });
    for (const [which, side] of sides.entries()) {
      const { body, message, column } = columns[which];
      const broken = await write({ ...given(said), ...side, conversation: conversation.slice(0, 24) + "-" + which + "beside" }, message, {
        tokens: (from) => body.append(spans(message, from)),
      });
      if (broken) column.append(element("p", "pg-warning", broken));
      else if (message.done) column.append(element("footer", "", ended(message.done)));
      if (message.done && message.done.stop_reason === "stopped") break;
    }
    const [a, b] = columns;
    const most = Math.max(a.message.ids.length, b.message.ids.length);
    let at = 0;
    while (at < most && a.message.ids[at] === b.message.ids[at]) at++;
    const spelled = ({ message }) => {
      const start = message.n.slice(0, at).reduce((sum, n) => sum + n, 0);
      return message.content.slice(start, start + (message.n[at] || 0)) || "∅";
    };
    const chance = ({ message }) => (message.p[at] === undefined ? "–" : percent(message.p[at]));
    for (const { body } of columns) {
      // A token that only begins a character has no span of its own: the one that ends it has.
      const mark = [...body.querySelectorAll(".ct")].find((each) => Number(each.dataset.i) >= at);
      if (mark && at < most) mark.classList.add("parts");
    }
    place.append(element("p", "pg-note", at === most ? say("same")
      : say("differs", { n: at + 1, a: spelled(a), pa: chance(a), b: spelled(b), pb: chance(b) })));
    status("");
  };

  // ---- files ----

  const download = (name, text, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const files = {
    markdown: () => download("conversation.md", (settings.system ? `> ${settings.system.replaceAll("\n", "\n> ")}\n\n` : "")
      + answered(messages).map(({ role, content }) => `**${say(role)}**\n\n${content}\n`).join("\n"), "text/markdown"),
    json: () => download("conversation.json", JSON.stringify({ settings, messages: answered(messages) }, null, 1), "application/json"),
    modelfile: async () => {
      try {
        const said = answered(messages).length ? messages : [{ role: "user", content: "?" }];
        const found = await once("chat/modelfile", given(said));
        if (found.error) status(found.error);
        else download("Modelfile", found.text, "text/plain");
      } catch (error) { status(why(error)); }
    },
  };
  const opened = async (file) => {
    acts.stop();
    try {
      const read = JSON.parse(await file.text());
      const list = Array.isArray(read) ? read : read.messages;
      const fits = Array.isArray(list) && list.length && list.every((each) =>
        each && ["user", "assistant", "system"].includes(each.role) && typeof each.content === "string");
      if (!fits) throw new Error();
      const whole = (each) => Array.isArray(each.ids) && [each.p, each.n].every((column) => Array.isArray(column) && column.length === each.ids.length);
      messages = list.filter((each) => each.role !== "system").map((each) => (each.role === "user"
        ? { role: "user", content: each.content }
        : { ...empty(), content: each.content, ...(whole(each) ? { ids: each.ids, p: each.p, n: each.n, done: each.done } : {}) }));
      messages = theLast(messages, true);
      prompt = null;
      conversation = token();
      draw();
      status("");
    } catch { status(say("bad_file")); }
  };

  // ---- listening ----

  document.addEventListener("click", (event) => {
    const sample = event.target.closest(".chat-sample");
    if (sample) { send(sample.textContent); return; }
    const file = event.target.closest("[data-chat]");
    if (file && files[file.dataset.chat]) { files[file.dataset.chat](); return; }
    const chip = event.target.closest("#chat-frame .chat-log .ct");
    if (chip && !running) look(Number(chip.closest(".chat-msg").dataset.i), Number(chip.dataset.i));
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest(".chat-import")) { opened(event.target.files[0]); event.target.value = ""; }
    if (event.target.matches('[data-chat="colour"]')) frame().classList.toggle("plain", !event.target.checked);
  });
  document.addEventListener("keydown", (event) => {
    const box = event.target.closest && event.target.closest("#chat-box textarea");
    if (box && event.key === "Enter" && !event.shiftKey && !event.isComposing) { // an input method's Enter chooses
      event.preventDefault();
      event.stopPropagation();
      document.querySelector("#chat-send").click();
    }
  }, true);
  window.addEventListener("pagehide", () => { acts.stop(); keepAll(); });

  // Gradio draws the frame anew (a language, a tab): what was said comes back into it.
  new MutationObserver(() => {
    const place = frame();
    if (place && !place.dataset.drawn) {
      place.dataset.drawn = "1";
      draw();
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
    if (kept) ({ messages, conversation } = kept);
    messages = theLast(messages, true); // left in the middle
  } catch { /* begin anew */ }

  page.chat = {
    send, compare,
    act: (name) => {
      if (running && name === "clear") acts.stop();
      else if (running && !["stop", "hood"].includes(name)) return;
      acts[name]();
    },
    keep: (values) => { settings = Object.fromEntries(NAMES.map((name, i) => [name, values[i]])); },
  };
})();
