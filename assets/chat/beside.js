/*
 * The last message of Chat's conversation answered twice, with the same seed: as set for the conversation, and as
 * set beside it. The first token that differs is marked. Nothing of it joins the conversation.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element } = page.tools;
  const { say, status, percent, spans, ended, empty, write, busy } = page.chat;
  const NAMES = { model: "model", quantization: "precision", temperature: "temperature", top_p: "top_p" };

  const beside = () => Object.fromEntries(Object.entries(NAMES).map(([name, control]) => [name, page.store.get("chat.beside_" + control)]));

  const compare = async () => {
    if (busy()) return;
    const place = document.querySelector("#chat-two"), said = page.chat.asked();
    if (!said) { place.replaceChildren(element("p", "pg-note", say("nothing"))); return; }
    const seed = Number.isInteger(said.seed) && said.seed >= 0 ? said.seed : Math.floor(Math.random() * 2 ** 31);
    const sides = [{}, beside()].map((other, which) => ({ ...said, ...other, seed, conversation: said.conversation.slice(0, 24) + "-" + which + "beside" }));
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
      const broken = await write(side, message, { tokens: (from) => body.append(spans(message, from)) });
      if (broken) column.append(element("p", "pg-warning", broken));
      else if (message.done) column.append(element("footer", "", ended(message.done)));
      if (message.done && message.done.stop_reason === "stopped") break;
    }
    place.append(element("p", "pg-note", parting(columns)));
    status("");
  };

  const parting = ([a, b]) => { // where they part, in a sentence; marked in both
    const most = Math.max(a.message.ids.length, b.message.ids.length);
    let at = 0;
    while (at < most && a.message.ids[at] === b.message.ids[at]) at++;
    if (at === most) return say("same");
    for (const { body } of [a, b]) {
      // A token that only begins a character has no span of its own: the one that ends it has.
      const mark = [...body.querySelectorAll(".ct")].find((each) => Number(each.dataset.i) >= at);
      if (mark) mark.classList.add("parts");
    }
    const spelled = ({ message }) => {
      const start = message.n.slice(0, at).reduce((sum, n) => sum + n, 0);
      return message.content.slice(start, start + (message.n[at] || 0)) || "∅";
    };
    const chance = ({ message }) => (message.p[at] === undefined ? "–" : percent(message.p[at]));
    return say("differs", { n: at + 1, a: spelled(a), pa: chance(a), b: spelled(b), pb: chance(b) });
  };

  document.addEventListener("click", (event) => { if (event.target.closest("#chat-compare")) compare(); });
})();
