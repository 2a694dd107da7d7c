/*
 * What was said, as a tree: a message may have several answers, and a question several wordings, of which one is
 * chosen. It lives in the page alone (nothing of it is kept on the server), and in this tab's session through a reload.
 *
 * A message: {role, content, ids, p, n, done, model, kids, at}: what follows it, and which of that is chosen. One of
 * the visitor's that got no answer is {…, unanswered: true}: it stays to be read and sent again, and no later prompt
 * holds it. {…, problem} is the sentence on what went wrong there.
 */
(() => {
  "use strict";
  const page = window.playground;
  const KEPT = "playground.chat";
  const token = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");

  let root = { kids: [], at: 0 };
  let name = token(); // the server keeps what it read of a conversation under it

  const path = () => {
    const found = [];
    for (let node = root; node.kids.length; found.push(node)) node = node.kids[node.at];
    return found;
  };
  const parent = (node) => {
    const search = (from) => (from.kids.includes(node) ? from : from.kids.map(search).find(Boolean));
    return search(root);
  };
  const made = (message) => ({ kids: [], at: 0, ...message });
  const add = (message, after = path().at(-1) || root) => { // after the last one, or beside what follows another
    const node = made(message);
    after.at = after.kids.push(node) - 1;
    return node;
  };
  const beside = (node, message) => add(message, parent(node));
  const replace = (node, other) => { // the same one, gone on with
    const above = parent(node);
    above.kids[above.kids.indexOf(node)] = other;
  };
  const remove = (node) => { // what followed it follows what it followed
    const above = parent(node), i = above.kids.indexOf(node);
    above.kids.splice(i, 1, ...node.kids);
    if (!node.kids.length) above.at = Math.max(0, Math.min(above.at > i ? above.at - 1 : above.at, above.kids.length - 1));
    else if (above.at === i) above.at = i + node.at;
  };
  const choose = (node, step) => { // another one in its place
    const above = parent(node);
    above.at = (above.at + step + above.kids.length) % above.kids.length;
  };
  const versions = (node) => { const above = parent(node); return { place: above.kids.indexOf(node) + 1, count: above.kids.length }; };
  const clear = () => { root = { kids: [], at: 0 }; name = token(); };
  const open = (list) => { clear(); for (const each of list) add(each); leave(); };

  // A link of this view holds none of it (share.js).
  document.addEventListener("playground:share", ({ detail }) => { if (detail.view.startsWith("chat") && root.kids.length) detail.left.add("private"); });

  const leave = () => { // the last one, if it waits for an answer, got none
    const last = path().at(-1);
    if (last && last.role === "user") last.unanswered = true;
  };
  const answered = (list) => list.filter((each) => !each.unanswered);
  const plain = ({ role, content, ids }) => (ids && ids.length ? { role, content, ids } : { role, content });
  /* What the server is asked for a reply after these messages. */
  const given = (list, more = {}) => ({
    ...page.chat.settings(), conversation: name,
    messages: answered(list.map((each, i) => (i === list.length - 1 ? { ...each, unanswered: false } : each))).map(plain),
    ...more,
  });

  const keep = () => {
    try { sessionStorage.setItem(KEPT, JSON.stringify({ root, name })); } catch { /* too long, or not allowed: it lasts as long as the page */ }
  };
  const whole = (node) => { // without replies of which nothing came before the page was left
    node.kids = node.kids.filter((each) => each.role === "user" || each.content || each.ids.length);
    node.at = Math.max(0, Math.min(node.at, node.kids.length - 1));
    node.kids.forEach(whole);
  };
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
    if (kept && kept.root) { ({ root, name } = kept); whole(root); }
    leave();
  } catch { clear(); }

  page.chat.talk = { path, parent, add, beside, replace, remove, choose, versions, clear, open, leave, answered, given, keep, made };
})();
