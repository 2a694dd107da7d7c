/*
 * Chat: sends what is typed, shows what comes, and hears the buttons of messages and composer. What was said is
 * conversation.js, how a reply comes reply.js, how a message looks message.js, files and the menu are files.js.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, number, copying } = page.tools;
  const { frame, part, told, say, status, spans, empty, write, busy, stop, talk, by } = page.chat;
  const VIEW = "playground.chat.view", NEAR = 120; // pixels from the end within which somebody reads along

  let prompt = null; // of the last reply: its parts, window, what was left out
  let writing = null; // the message that is being written
  const why = (error) => say(page.wrong(error) === "lost" ? "away" : "failed");

  // ---- the page ----

  const composer = () => document.querySelector("#chat-composer");
  const input = () => document.querySelector("#chat-box textarea");
  const fill = (words) => { input().value = words; input().dispatchEvent(new Event("input", { bubbles: true })); };
  const model = () => { // what the menu will stand on, also before its answer came
    const chosen = page.store.get("chat.model");
    return chosen === page.store.usual("chat.model") ? told().first : chosen;
  };
  const boxOf = (node) => [...part("log").children].find((each) => each.node === node);

  const cards = () => {
    const list = told().cards[model() === "tutor" ? "tutor" : "other"];
    part("cards").replaceChildren(...list.map(([about, words]) => {
      const card = button("", "chat-card", () => page.runs.soon(() => { send(words); }));
      card.append(element("b", "", about), element("span", "", words));
      return card;
    }));
  };
  const draw = () => {
    if (!frame()) return;
    const list = talk.path();
    page.chat.leaveToken();
    part("log").replaceChildren(...list.map((node) => page.chat.message(node, acts)));
    if (writing && list.includes(writing)) begun();
    part("greet").hidden = list.length > 0;
    frame().classList.toggle("empty", !list.length);
    if (!list.length) cards();
    context();
    state();
    talk.keep();
  };
  const begun = () => { // what is being written has nothing to be done with yet
    const box = boxOf(writing);
    box.classList.add("on");
    box.querySelector("footer").remove();
  };
  const state = () => { // of the composer, and of what belongs to all messages
    if (!frame() || !composer()) return;
    const send = document.querySelector("#chat-send"), pill = document.querySelector("#chat-pill span");
    if (!send || !pill) return;
    send.classList.toggle("stops", busy());
    send.setAttribute("aria-label", say(busy() ? "stop" : "send"));
    send.title = say(busy() ? "stop" : "send");
    pill.textContent = model();
    frame().classList.toggle("busy", busy());
    frame().setAttribute("aria-busy", String(busy()));
    for (const each of part("top").querySelectorAll("[data-view]")) each.setAttribute("aria-pressed", String(each.dataset.view === page.chat.view()));
    for (const each of composer().querySelectorAll("[data-preset]")) {
      const wanted = Object.entries(told().sets[each.dataset.preset]);
      each.setAttribute("aria-pressed", String(wanted.every(([id, value]) => page.store.get(id) === value)));
    }
  };
  const nearEnd = () => part("end").getBoundingClientRect().top < innerHeight + NEAR;
  const toEnd = () => {
    part("end").style.scrollMarginBottom = (composer() ? composer().offsetHeight : 0) + 16 + "px";
    part("end").scrollIntoView({ block: "end" });
  };

  // ---- how full the window is ----

  const used = () => {
    const last = talk.path().at(-1), reply = last && last.role === "assistant" ? last.ids.length : 0;
    return prompt.tokens + Math.max(0, reply - prompt.begun);
  };
  const context = () => {
    const gauge = document.querySelector("#chat-gauge"), notes = part("notes");
    notes.replaceChildren();
    if (!gauge) return;
    gauge.hidden = !prompt;
    if (!prompt) return;
    const all = used(), said = talk.answered(talk.path());
    gauge.style.setProperty("--full", prompt.window ? Math.min(1, all / prompt.window) : 0);
    gauge.querySelector("span").textContent = prompt.window
      ? say("context", { used: number(all), window: number(prompt.window) }) : say("context_open", { used: number(all) });
    if (prompt.dropped.length)
      notes.append(element("p", "pg-warning", say("dropped", { list: prompt.dropped.map((i) => `${say(said[i] ? said[i].role : "user")} ${i + 1}`).join(", ") })));
    if (prompt.completion) notes.append(element("p", "pg-note", say("completion")));
    if (prompt.merged) notes.append(element("p", "pg-note", say("merged")));
  };
  const bar = () => { // the window, by who wrote what stands in it
    const made = element("div", "chat-bar"), whole = prompt.window || used();
    const add = (source, index, count) => {
      if (!count) return;
      const part = element("i", "src src-" + ({ cue: "template", reply: "assistant" }[source] || source));
      part.style.width = (100 * count) / whole + "%";
      part.title = `${say("source_" + source)}${index >= 0 ? " " + (index + 1) : ""}: ${number(count)}`;
      made.append(part);
    };
    for (const [source, index, count] of prompt.prompt) add(source, index, count);
    add("reply", -1, used() - prompt.tokens);
    return made;
  };
  let peeked = 0; // the newest question: an older one's answer may come later
  const KEY = "chat.prompt";
  const inspect = async (from) => { // the prompt that the model really reads
    const list = talk.path(), upTo = list.length && list.at(-1).role === "assistant" ? list.slice(0, -1) : list;
    const body = element("div", "chat-inspected"), mine = ++peeked, view = element("div");
    if (prompt) body.append(element("p", "pg-note", document.querySelector("#chat-gauge span").textContent), bar());
    body.append(view);
    page.inspector.open({ key: KEY, title: say("prompt"), body, from });
    if (!upTo.length) { view.append(element("p", "pg-note", say("nothing"))); return; }
    let found;
    try { found = await page.once("chat/prompt", talk.given(upTo)); } catch (error) { found = { error: why(error) }; }
    if (mine !== peeked) return;
    if (found.error) view.replaceChildren(element("p", "pg-warning", found.error));
    else view.innerHTML = found.html; // the server's own; every text in it is escaped
  };

  // ---- replies ----

  /* One more reply to a message of the visitor's; `instead` of one that it goes on with, else beside those it has. */
  const reply = async (after, more = {}, instead = null) => {
    if (busy()) return;
    if (after.role !== "user") { status(say("nothing")); return; }
    const list = talk.path(), asked = talk.given(list.slice(0, list.indexOf(after) + 1), more), before = after.at, old = after.kids[before];
    const node = talk.made({ ...empty(), model: asked.model, quantization: asked.quantization, engine: asked.engine });
    for (const each of [after, old]) if (each) each.problem = "";
    after.unanswered = false;
    if (instead) talk.replace(instead, node);
    else { after.kids.push(node); after.at = after.kids.length - 1; }
    writing = node;
    const going = write(asked, node, {
      prompt: (piece) => { prompt = { ...piece, begun: (more.prefix || []).length }; context(); },
      tokens: (from) => {
        const box = boxOf(node); // the page may have been drawn anew
        if (!box) return;
        const near = nearEnd(), body = box.querySelector(".chat-body");
        if (page.chat.view() === "tokens") body.append(spans(node, from)); else page.chat.body(node, body);
        if (near) toEnd();
      },
    });
    draw();
    toEnd();
    const broken = await going;
    if (writing === node) writing = null;
    if (!after.kids.includes(node)) { state(); return; } // cleared, or a file was opened
    const same = !instead && old && !broken && node.done && old.ids.length && JSON.stringify(old.ids) === JSON.stringify(node.ids);
    if (!node.ids.length || same) {
      if (instead) talk.replace(node, instead); else { talk.remove(node); after.at = before; }
      after.at = Math.max(0, Math.min(after.at, after.kids.length - 1));
      if (!after.kids.length) Object.assign(after, { unanswered: true, problem: broken }); else after.kids[after.at].problem = broken;
    } else node.problem = broken;
    const near = nearEnd();
    draw();
    if (near) toEnd();
    status(same ? say("same_again") : "");
    if (page.inspector.key === KEY) inspect();
  };

  const send = (words) => { // whether it was taken
    if (busy() || !words.trim()) return false;
    talk.leave();
    reply(talk.add({ role: "user", content: words }));
    return true;
  };
  const edit = (node) => {
    if (busy()) return;
    const box = boxOf(node), area = element("textarea"), row = element("div", "chat-row");
    area.value = node.content;
    area.rows = Math.min(10, area.value.split("\n").length + 1);
    area.setAttribute("aria-label", say("edit"));
    row.append(button(say("save"), "chat-go", () => {
      if (!area.value.trim() || busy()) return;
      reply(talk.beside(node, { role: "user", content: area.value })); // the first wording stays, a step aside
    }), button(say("cancel"), "", draw));
    box.replaceChildren(area, row);
    box.classList.add("edited");
    area.focus();
  };
  const acts = { // of a message
    copy: async (node, pressed) => {
      if (!(await copying(pressed.lastElementChild, node.content, say("copied")))) status(say("copy_failed"));
    },
    edit,
    again: (node) => { reply(talk.parent(node)); },
    proceed: (node) => {
      const ended = node.done && node.done.stop_reason === "eos";
      reply(talk.parent(node), { ...by(node), prefix: ended ? node.ids.slice(0, -1) : node.ids }, node);
    },
    retry: (node) => {
      if (busy()) return;
      if (node.kids.length) { // later messages stand below it: it is sent again as the newest
        talk.remove(node);
        talk.leave();
        node = talk.add({ role: "user", content: node.content });
      }
      reply(node);
    },
    choose: (node, step) => { if (!busy()) { talk.choose(node, step); draw(); } },
    look: (chip) => {
      const { node } = chip.closest(".chat-msg");
      page.chat.look(chip, node, (from, ids) => reply(talk.parent(from), { ...by(from), prefix: ids }));
    },
  };

  // ---- the composer ----

  const DRAWERS = { pill: "choose", tune: "settings" };
  const drawer = (which) => { // open one, or none
    for (const [name, id] of Object.entries(DRAWERS)) {
      const open = name === which, box = document.querySelector("#chat-" + id);
      if (!box) continue;
      box.toggleAttribute("data-open", open);
      document.querySelector("#chat-" + name).setAttribute("aria-expanded", String(open));
      if (open) { box.tabIndex = -1; box.focus({ preventScroll: true }); } // a menu that has the focus is open
    }
  };
  const isOpen = (name) => document.querySelector("#chat-" + DRAWERS[name])?.hasAttribute("data-open");
  const pressed = { // of the composer and above the messages, by what follows "chat-" in their id
    send: () => { if (busy()) stop(); else if (send(input().value)) { fill(""); drawer(""); } },
    pill: () => drawer(isOpen("pill") ? "" : "pill"),
    tune: () => drawer(isOpen("tune") ? "" : "tune"),
    gauge: () => inspect(document.querySelector("#chat-gauge")),
    clear: () => { stop(); talk.clear(); prompt = null; draw(); status(""); input().focus(); },
  };
  const press = (name) => {
    const { sets } = told();
    if (Object.hasOwn(sets, name)) page.store.set(sets[name], "visitor", name);
    if (Object.hasOwn(pressed, name)) pressed[name]();
  };

  // ---- listening ----

  const soon = (act) => page.runs.soon(act, () => Boolean(frame() && frame().dataset.drawn));

  document.addEventListener("click", (event) => {
    const asks = event.target.closest('button[id^="chat-"]');
    // The second click of a double one would stop what the first one sent.
    if (asks && !(asks.id === "chat-send" && event.detail > 1)) soon(() => press(asks.id.slice(5)));
    const view = event.target.closest(".chat-top [data-view]");
    if (view) {
      frame().dataset.view = view.dataset.view;
      try { sessionStorage.setItem(VIEW, view.dataset.view); } catch { /* it lasts as long as the page */ }
      draw();
    }
    const chip = event.target.closest("#chat-frame .chat-log .ct");
    if (chip && !busy() && !String(getSelection())) acts.look(chip);
    if (Object.keys(DRAWERS).some(isOpen) && event.target.isConnected && !event.target.closest("#chat-composer")) drawer("");
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && Object.keys(DRAWERS).find(isOpen);
    if (!open || !event.target.closest("#chat-composer, body")) return;
    drawer("");
    document.querySelector("#chat-" + open).focus();
  });
  const isBox = ({ target, key, isComposing }) => // an input method's Enter chooses
    key === "Enter" && !isComposing && target.closest && target.closest("#chat-box textarea");
  document.addEventListener("keydown", (event) => {
    if (!isBox(event) || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    soon(() => { if (!busy()) press("send"); }); // Enter sends, and never stops
  }, true);
  // Gradio would take Shift+Enter for sending, and swallow the new line.
  document.addEventListener("keypress", (event) => { if (isBox(event)) event.stopPropagation(); }, true);
  window.addEventListener("pagehide", () => { stop(); talk.keep(); });
  page.store.watch((changed) => {
    if (!changed.some((id) => id.startsWith("chat."))) return;
    state();
    if (changed.includes("chat.model") && frame() && !talk.path().length) cards();
  });

  // Gradio draws the frame anew (a language, a tab), and the composer after it: what was said comes back into them.
  new MutationObserver(() => {
    const place = frame(), send = document.querySelector("#chat-send");
    if (!place || !send || (place.dataset.drawn && send.dataset.drawn)) return;
    place.dataset.drawn = send.dataset.drawn = "1";
    try { place.dataset.view = sessionStorage.getItem(VIEW) || "text"; } catch { place.dataset.view = "text"; }
    draw();
  }).observe(document.documentElement, { childList: true, subtree: true });

  /* The last message and what came before it, for who answers it in another way; null where there is none. */
  const asked = () => {
    const list = talk.path(), last = list.map((each) => each.role).lastIndexOf("user");
    return last < 0 ? null : talk.given(list.slice(0, last + 1));
  };
  Object.assign(page.chat, { draw, why, asked, begin: (list) => { stop(); prompt = null; talk.open(list); draw(); status(""); } });
})();
