/*
 * The conversation of the Chat panel, and its buttons. It lives in the page alone (nothing of it is kept on the
 * server), and everything of it is written by textContent. How one reply comes is reply.js.
 *
 * A message: {role, content, ids, p, n, done}. One of the visitor's that got no answer is {…, unanswered: true}:
 * it stays to be read and sent again, and no later prompt holds it.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, number, copying } = page.tools;
  const { once, wrong } = page;
  const { settings, frame, part, told, say, status, percent, spans, ended, empty, write, busy, stop } = page.chat;
  const KEPT = "playground.chat";

  let messages = [];
  let prompt = null; // of the last reply: its parts, window, what was left out
  const token = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
  let conversation = token();

  // ---- the page ----

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
    ...settings(), conversation,
    messages: answered(said).map(({ role, content, ids }) => (ids && ids.length ? { role, content, ids } : { role, content })),
    ...more,
  });

  // ---- replies ----

  /* One reply to the last message; whether anything came. Where nothing did, `kept` is the conversation again. */
  const reply = async (more = {}, kept = messages) => {
    if (busy()) { messages = kept; return false; }
    const before = theLast(messages, false);
    const asked = given(before, more);
    const message = { ...empty(), model: asked.model, quantization: asked.quantization, engine: asked.engine };
    const shown = messages = [...before, message];
    draw();
    const box = part("log").lastElementChild;
    const body = box.querySelector(".chat-body");
    box.classList.add("on");
    const log = part("log");
    const broken = await write(asked, message, {
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
    if (isOpen("#chat-hood")) hood();
    return message.ids.length > 0;
  };

  const send = (said) => { // whether it was taken
    if (busy() || !said.trim()) return false;
    messages = [...theLast(messages, true), { role: "user", content: said }];
    reply();
    return true;
  };
  const again = (i) => {
    if (busy()) return;
    const { content } = messages[i];
    messages = [...messages.slice(0, i), ...messages.slice(i + 1), { role: "user", content }];
    reply();
  };
  // What stands in the box is what is sent: its last letter may not have come to the store yet.
  const input = () => document.querySelector("#chat-box textarea");
  const fill = (words) => { input().value = words; input().dispatchEvent(new Event("input", { bubbles: true })); };
  const intoBox = (words) => { if (input() && !input().value) fill(words); }; // unless something else stands in it
  const by = (each) => (each.model ? { model: each.model, quantization: each.quantization, engine: each.engine } : {}); // ids are of that model
  const lastUser = () => messages.map((each) => each.role).lastIndexOf("user");

  const edit = (i) => {
    if (busy()) return;
    const box = part("log").querySelector(`[data-i="${i}"].chat-msg`);
    const area = element("textarea");
    area.value = messages[i].content;
    area.rows = Math.min(10, area.value.split("\n").length + 1);
    const row = element("div", "chat-row");
    row.append(button(say("save"), "", () => {
      if (!area.value.trim() || busy()) return;
      const kept = messages, words = area.value;
      messages = [...messages.slice(0, i), { role: "user", content: words }];
      reply({}, kept).then((came) => { if (!came) intoBox(words); });
    }), button(say("cancel"), "", draw));
    box.replaceChildren(area, row);
    area.focus();
  };

  const acts = {
    send: () => { if (send(input().value)) fill(""); },
    stop,
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
  };
  const act = (name) => { // of a button
    const { sets } = told();
    if (Object.hasOwn(sets, name)) page.store.set(sets[name], "visitor", name);
    if (!Object.hasOwn(acts, name)) return;
    if (busy() && name === "clear") stop();
    else if (busy() && name !== "stop") return;
    acts[name]();
  };

  const isOpen = (folded) => Boolean(document.querySelector(`${folded} > .label-wrap.open`));
  const why = (error) => say(wrong(error) === "lost" ? "away" : "failed");
  let peeked = 0; // the newest question: an older one's answer may come later
  const hood = async () => {
    // What is folded is not in the page yet in the moment it opens.
    for (let i = 0; i < 50 && !document.querySelector("#chat-hood-view"); i++)
      await new Promise((ready) => setTimeout(ready, 40));
    const view = document.querySelector("#chat-hood-view"), mine = ++peeked;
    if (!view) return;
    if (!messages.length) { view.textContent = say("nothing"); return; }
    const upTo = messages.at(-1).role === "assistant" ? messages.slice(0, -1) : theLast(messages, false);
    let found;
    try { found = await once("chat/prompt", given(upTo)); } catch (error) { found = { error: why(error) }; }
    if (mine !== peeked) return;
    if (found.error) view.replaceChildren(element("p", "pg-warning", found.error));
    else view.innerHTML = found.html; // the server's own; every text in it is escaped
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
        if (busy()) return;
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

  // ---- files ----

  const download = (name, text, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const files = {
    markdown: () => download("conversation.md", (settings().system ? `> ${settings().system.replaceAll("\n", "\n> ")}\n\n` : "")
      + answered(messages).map(({ role, content }) => `**${say(role)}**\n\n${content}\n`).join("\n"), "text/markdown"),
    json: () => download("conversation.json", JSON.stringify({ settings: settings(), messages: answered(messages) }, null, 1), "application/json"),
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
    stop();
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

  const soon = (act) => page.runs.soon(act, () => Boolean(frame() && frame().dataset.drawn));

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest('button[id^="chat-"]');
    if (pressed) soon(() => act(pressed.id.slice(5)));
    const sample = event.target.closest(".chat-sample");
    if (sample) { soon(() => send(sample.textContent)); return; }
    const file = event.target.closest("[data-chat]");
    if (file && files[file.dataset.chat]) { files[file.dataset.chat](); return; }
    const chip = event.target.closest("#chat-frame .chat-log .ct");
    if (chip && !busy()) look(Number(chip.closest(".chat-msg").dataset.i), Number(chip.dataset.i));
    // What is folded opens only after this.
    if (event.target.closest("#chat-hood > button")) setTimeout(() => { if (isOpen("#chat-hood")) hood(); }, 50);
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest(".chat-import")) { opened(event.target.files[0]); event.target.value = ""; }
    if (event.target.matches('[data-chat="colour"]')) frame().classList.toggle("plain", !event.target.checked);
  });
  const isBox = ({ target, key, isComposing }) => // an input method's Enter chooses
    key === "Enter" && !isComposing && target.closest && target.closest("#chat-box textarea");
  document.addEventListener("keydown", (event) => {
    if (!isBox(event) || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    soon(() => act("send"));
  }, true);
  // Gradio would take Shift+Enter for sending, and swallow the new line.
  document.addEventListener("keypress", (event) => { if (isBox(event)) event.stopPropagation(); }, true);
  window.addEventListener("pagehide", () => { stop(); keepAll(); });

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

  // The last message and what came before it, for who answers it in another way; null where there is none.
  page.chat.asked = () => (lastUser() < 0 ? null : given(theLast(messages.slice(0, lastUser() + 1), false)));
})();
