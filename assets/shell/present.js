/*
 * Present: the stage large, for a projector. Controls and all that surrounds them are folded away, arrow keys (and the
 * keys of a presenter's remote) go through a view's story and then through the views of its room, a QR code in the
 * corner leads to the same, Esc ends it. Fetched at the first click (slots.js).
 *
 * A view with a story of its own listens for `playground:step` on its element (detail: 1 or -1) and calls
 * preventDefault() as long as it goes on by itself.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, filled } = page.tools;
  const words = page.said.present;
  const root = document.documentElement;
  const STEPS = { ArrowRight: 1, ArrowLeft: -1, PageDown: 1, PageUp: -1 };

  let on = null; // while it is presented: {bar, corner, where, from, coded: whether the code is wanted, link}

  const room = (view) => view.split("/")[0];
  const views = () => { // of the room that is seen; one that only holds others is none
    const all = page.store.views(), mine = all.filter(({ view }) => room(view) === room(page.store.view()));
    const inner = mine.filter(({ view }) => view.includes("/"));
    return inner.length ? inner : mine;
  };
  const place = () => { const all = views(); return { all, at: all.findIndex(({ view }) => view === page.store.view()) }; };
  const title = ({ id }) => {
    const tab = document.getElementById(`${id}-button`);
    return tab ? tab.textContent.trim() : "";
  };
  const step = (by) => {
    const { all, at } = place(), here = all[at] && document.getElementById(all[at].id);
    if (here && !here.dispatchEvent(new CustomEvent("playground:step", { detail: by, bubbles: true, cancelable: true }))) return;
    if (all[at + by]) page.store.go(all[at + by].view);
  };

  const coded = async () => { // the code of what is seen now
    if (!on || !on.coded) return;
    const link = page.store.link(), mine = (on.link = link);
    let inside;
    try {
      const drawn = await (await page.later("share")).code(link);
      inside = drawn || element("p", "", words.long);
    } catch (error) { inside = element("p", "", words[page.wrong(error) === "lost" ? "lost" : "failed"]); }
    if (on && on.coded && on.link === mine) on.corner.replaceChildren(inside);
  };
  const told = () => {
    if (!on) return;
    const { all, at } = place();
    on.where.textContent = all.length > 1 && at >= 0 ? filled(words.where, { name: title(all[at]), n: at + 1, all: all.length }) : "";
    coded();
  };

  const keys = (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(); return; }
    const by = STEPS[event.key];
    // Where arrows mean something already (a field, a slider, the points of a map) they go on meaning it.
    if (!by || event.target.closest("input, textarea, select, [role=slider], [role=tablist], [role=listbox], [role=application], .pg-figure, [contenteditable]:not([contenteditable=false])")) return;
    event.preventDefault();
    step(by);
  };

  const close = () => {
    if (!on) return;
    const { bar, corner, from } = on;
    on = null;
    root.classList.remove("pg-presenting");
    document.removeEventListener("keydown", keys);
    bar.remove();
    corner.remove();
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {}); // it may have been left already
    window.dispatchEvent(new Event("resize")); // figures measure themselves anew
    const back = from.isConnected ? from : document.querySelector("#pg-present button");
    if (back) back.focus();
  };
  const open = (from) => {
    if (on) return;
    const bar = element("div", "pg-present-bar"), where = element("span", "pg-present-where"), corner = element("div", "pg-present-code");
    const labelled = (made, said) => { made.setAttribute("aria-label", said); made.title = said; return made; };
    const back = labelled(button("‹", "", () => step(-1)), words.back), next = labelled(button("›", "", () => step(1)), words.next);
    const code = button(words.code, "", () => {
      on.coded = !on.coded;
      code.setAttribute("aria-pressed", String(on.coded));
      corner.replaceChildren();
      coded();
    });
    code.setAttribute("aria-pressed", "false");
    where.setAttribute("aria-live", "polite");
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", words.title);
    bar.append(back, where, next, code, button(words.leave, "", close));
    on = { bar, corner, where, from, coded: false, link: "" };
    root.classList.add("pg-presenting");
    document.body.append(corner, bar);
    document.addEventListener("keydown", keys);
    if (root.requestFullscreen) root.requestFullscreen().catch(() => {}); // a frame may not; the page is presented all the same
    told();
    next.focus();
    window.scrollTo({ top: 0 });
    window.dispatchEvent(new Event("resize"));
  };
  page.store.watchView(told);
  page.store.watch(() => { coded(); });
  let whole = false; // Esc leaves the full screen without telling a key
  document.addEventListener("fullscreenchange", () => { if (whole && !document.fullscreenElement) close(); whole = Boolean(document.fullscreenElement); });

  page.parts.present = { open, close };
})();
