/* Chat's menu: the conversation as a file, a file as the conversation, a Modelfile for Ollama, two settings compared. */
(() => {
  "use strict";
  const page = window.playground;
  const { frame, say, status, settings, empty, talk } = page.chat;

  const download = (name, text, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const said = () => talk.answered(talk.path());
  const written = ({ role, content, ids, p, n, done }) => (role === "user" ? { role, content } : { role, content, ids, p, n, done });
  const acts = {
    markdown: () => download("conversation.md", (settings().system ? `> ${settings().system.replaceAll("\n", "\n> ")}\n\n` : "")
      + said().map(({ role, content }) => `**${say(role)}**\n\n${content}\n`).join("\n"), "text/markdown"),
    json: () => download("conversation.json", JSON.stringify({ settings: settings(), messages: said().map(written) }, null, 1), "application/json"),
    modelfile: async () => {
      try {
        const found = await page.once("chat/modelfile", talk.given(talk.path().length ? talk.path() : [{ role: "user", content: "?" }]));
        if (found.error) status(found.error);
        else download("Modelfile", found.text, "text/plain");
      } catch (error) { status(page.chat.why(error)); }
    },
    open: () => frame().querySelector(".chat-import").click(),
    compare: () => {
      const fold = document.querySelector("#chat-beside > button");
      if (!fold.classList.contains("open")) fold.click();
      fold.scrollIntoView({ block: "start" });
      fold.focus({ preventScroll: true });
    },
  };
  const opened = async (file) => {
    try {
      const read = JSON.parse(await file.text());
      const list = Array.isArray(read) ? read : read.messages;
      const fits = Array.isArray(list) && list.length && list.every((each) =>
        each && ["user", "assistant", "system"].includes(each.role) && typeof each.content === "string");
      if (!fits) throw new Error();
      const whole = (each) => Array.isArray(each.ids) && [each.p, each.n].every((column) => Array.isArray(column) && column.length === each.ids.length);
      page.chat.begin(list.filter((each) => each.role !== "system").map((each) => (each.role === "user"
        ? { role: "user", content: each.content }
        : { ...empty(), content: each.content, ...(whole(each) ? { ids: each.ids, p: each.p, n: each.n, done: each.done } : {}) })));
    } catch { status(say("bad_file")); }
  };

  // The browser opens and closes it (popovertarget); where it stands is ours.
  const menu = () => frame() && frame().querySelector(".chat-menu");
  document.addEventListener("toggle", (event) => {
    if (event.target !== menu()) return;
    const box = menu(), from = document.querySelector("#chat-more"), at = from.getBoundingClientRect();
    from.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState !== "open") return;
    box.style.top = at.bottom + 4 + "px";
    box.style.left = Math.max(8, Math.min(at.right - box.offsetWidth, innerWidth - box.offsetWidth - 8)) + "px";
    box.querySelector("button").focus();
  }, true);
  document.addEventListener("click", (event) => {
    const item = event.target.closest(".chat-menu [data-chat]");
    if (item) { menu().hidePopover(); acts[item.dataset.chat](); }
  });
  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], items = menu() ? [...menu().querySelectorAll("button")] : [];
    if (!step || !items.includes(event.target)) return;
    event.preventDefault();
    items[(items.indexOf(event.target) + step + items.length) % items.length].focus();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches(".chat-import")) { opened(event.target.files[0]); event.target.value = ""; }
  });
})();
