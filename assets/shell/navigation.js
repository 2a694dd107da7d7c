/*
 * The way through: tabs by the arrow keys, the title of what is seen, headings, the skip link, and the controls of a room that
 * fold on narrow pages. Gradio's tabs stay what they are; layout.css draws them as a rail, a bar, and pills.
 */
(() => {
  "use strict";
  const page = window.playground;
  const head = () => document.querySelector(".pg-head");

  // ---- tabs: one stop for Tab, then arrows; Enter opens ----

  const wide = matchMedia("(min-width: 900px)");
  const tabsOf = (list) => [...list.querySelectorAll(":scope > [role=tab]:not(:disabled)")].filter((each) => each.checkVisibility());
  const rail = (list) => list.parentElement.parentElement.id === "pg-tabs";
  const shown = new WeakMap(); // a list → its chosen tab, and how wide the list was
  const settle = () => {
    for (const list of document.querySelectorAll("#pg-tabs [role=tablist]")) {
      if (rail(list)) list.setAttribute("aria-orientation", wide.matches ? "vertical" : "horizontal");
      for (const tab of list.children) {
        const chosen = tab.getAttribute("aria-selected") === "true", stop = chosen ? 0 : -1;
        if (tab.tabIndex !== stop || !tab.hasAttribute("tabindex")) tab.tabIndex = stop;
        const now = `${tab.id || tab.dataset.tabId} ${list.clientWidth}`;
        if (!chosen || shown.get(list) === now) continue;
        shown.set(list, now); // in a row that goes sideways the chosen one is in sight, and the page itself stays
        list.scrollLeft = tab.offsetLeft - list.offsetLeft - (list.clientWidth - tab.offsetWidth) / 2;
      }
    }
  };
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest && event.target.closest("#pg-tabs [role=tab]");
    if (!tab || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const all = tabsOf(tab.parentElement), at = all.indexOf(tab);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length].focus();
  });

  // ---- what is seen: the heading, and the window's title ----

  const WORDMARK = "LLM Playground";
  const titled = () => {
    const names = [...document.querySelectorAll("#pg-tabs [role=tab][aria-selected=true]")].filter((each) => each.checkVisibility()).map((each) => each.textContent.trim());
    const title = document.getElementById("pg-title");
    if (!title || !names.length) return;
    const [room, ...views] = names, now = [...names].reverse().concat(WORDMARK).join(" · ");
    if (title.dataset.told === now) return; // to write it is a change of the page, too
    title.dataset.told = document.title = now;
    title.replaceChildren(room);
    if (views.length) title.append(" ", page.tools.element("small", "", views.join(" · ")));
  };

  // Rooms write their headings as they nest; on a page they go down from the title step by step, whatever stands above.
  const levelled = () => {
    const above = [1]; // by their tags
    for (const heading of document.querySelectorAll("#pg-tabs :is(h2, h3, h4, h5, h6)")) {
      if (!heading.checkVisibility()) continue;
      const own = Number(heading.tagName[1]);
      while (above.length > 1 && above.at(-1) >= own) above.pop();
      above.push(own);
      if (heading.ariaLevel !== String(above.length)) heading.ariaLevel = String(above.length);
    }
  };

  document.addEventListener("click", (event) => {
    if (!event.target.closest(".pg-skip")) return;
    event.preventDefault(); // its address would be no view's
    const stage = [...document.querySelectorAll("#pg-tabs > [role=tabpanel]")].find((each) => each.checkVisibility());
    stage.tabIndex = -1;
    stage.focus();
  });

  // ---- controls that fold: what comes later for a visitor (.pg-late), or all but what is typed ----

  const KEY = "playground.controls";
  let open = false;
  try { open = localStorage.getItem(KEY) === "open"; } catch { /* folded, then */ }
  const told = (fold) => fold.setAttribute("aria-expanded", String(open));
  const foldable = () => {
    for (const controls of document.querySelectorAll(".pg-controls:not(:has(> .pg-fold))")) {
      if (!controls.checkVisibility() || !controls.children.length) continue;
      let folds = controls.querySelector(":scope > .pg-late") || controls.children[1];
      while (folds && folds.matches(".pg-samples")) folds = folds.nextElementSibling;
      if (!folds) continue;
      const fold = page.tools.element("button", "pg-fold pg-icon-menu");
      fold.type = "button";
      fold.append(page.tools.element("i", "pg-mask"), page.tools.element("span", "", head().dataset.settings));
      told(fold);
      folds.before(fold);
    }
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".pg-fold")) return;
    open = !open;
    try { localStorage.setItem(KEY, open ? "open" : "folded"); } catch { /* for this page, then */ }
    document.querySelectorAll(".pg-fold").forEach(told);
  });

  // ---- after every change of the page, once before it is painted ----

  let due = 0;
  const look = () => { due = 0; if (!head()) return; settle(); titled(); levelled(); };
  // What folds is never painted open: what Gradio makes in a frame is painted in that frame.
  const soon = () => { if (head()) foldable(); due ||= requestAnimationFrame(look); };
  new MutationObserver(soon).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
  window.addEventListener("resize", soon);
  page.store.watchView(soon);
})();
