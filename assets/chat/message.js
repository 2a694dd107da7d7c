/*
 * One message on the page: what was said, as text or as tokens, and below it what can be done with it. Everything of
 * it is written by textContent.
 *
 *   page.chat.message(node, acts)   its element; acts: {copy, edit, again, proceed, retry, choose, look}, each given the
 *                                   message
 *   page.chat.body(node, into)      what was said, anew
 *   page.chat.icon(name)            a drawing for a button; page.chat.view(), "text" or "tokens"
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button } = page.tools;
  const { say, told, frame, piece, spans, ended, busy, talk } = page.chat;

  const icon = (name) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS(made.namespaceURI, "path");
    made.setAttribute("viewBox", "0 0 24 24");
    made.setAttribute("aria-hidden", "true");
    line.setAttribute("d", told().icons[name]);
    made.append(line);
    return made;
  };
  const act = (kind, name, words, does) => { // a button with a drawing; where there is little room the drawing alone
    const made = button("", "chat-act", does);
    made.dataset.act = kind;
    made.setAttribute("aria-label", words);
    made.title = words;
    made.append(icon(name), element("span", "", words));
    return made;
  };

  const view = () => (frame() && frame().dataset.view) || "text";
  const body = (node, into) => {
    if (node.role === "user") into.textContent = node.content;
    else if (view() === "tokens") into.replaceChildren(spans(node));
    else into.replaceChildren(page.chat.markdown(node.content, (from, to) => piece(node, from, to)));
  };

  const versions = (node, acts) => { // ‹2/3›
    const { place, count } = talk.versions(node);
    if (count < 2) return [];
    const box = element("span", "chat-versions");
    const step = (by, name, sign) => {
      const made = button(sign, "", () => acts.choose(node, by));
      made.setAttribute("aria-label", say(name));
      made.disabled = busy();
      return made;
    };
    box.append(step(-1, "before", "‹"), element("span", "", `${place}/${count}`), step(1, "after", "›"));
    return [box];
  };

  const message = (node, acts) => {
    const box = element("article", "chat-msg " + node.role), foot = element("footer");
    box.node = node;
    box.setAttribute("aria-label", say(node.role));
    if (node.role === "assistant" && node.model) box.append(element("header", "", node.model));
    const said = element("div", "chat-body");
    said.dir = "auto";
    body(node, said);
    if (node.role === "assistant") {
      said.tabIndex = 0;
      said.setAttribute("role", "group");
      said.setAttribute("aria-label", say("walk"));
    }
    box.append(said);
    if (node.problem) box.append(element("p", "pg-warning", node.problem));
    const does = (kind, name, words = say(kind)) => act(kind, name, words, (event) => acts[kind](node, event.currentTarget));
    if (node.unanswered) {
      box.classList.add("unanswered");
      if (!node.problem) box.append(element("p", "pg-note", say("unanswered")));
      foot.append(does("retry", "again", say("again")), does("edit", "edit"), does("copy", "copy"));
    } else if (node.role === "user") foot.append(does("copy", "copy"), does("edit", "edit"));
    else {
      const more = node.ids.length && !(node.done && node.done.stop_reason === "window");
      foot.append(does("copy", "copy"), does("again", "again"), ...(more ? [does("proceed", "proceed")] : []));
    }
    foot.append(...versions(node, acts));
    if (node.done) foot.append(element("small", "", ended(node.done)));
    box.append(foot);
    return box;
  };

  Object.assign(page.chat, { icon, view, body, message });
})();
