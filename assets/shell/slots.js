/*
 * The header's buttons for what is seldom used, and how that is fetched when it is first asked for.
 *
 *   page.later(name)        a part of LATER in playground/shell/scripts.py: a promise of page.parts[name], which its script sets.
 *                           It is fetched once; where the server is away the promise fails, and the next one tries again
 *   page.slot(id, fill)     fill(element) whenever an element of that id is there and empty: Gradio may make it anew
 *   page.icon(paths)        a small drawing of 24 by 24, in the colour of the text
 *   page.said[words]        what a part says, by key, once it is there
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element } = page.tools;
  page.parts = {};
  page.said = {};

  // ---- what comes later ----

  const coming = {};
  const fetched = (path) => new Promise((ready, failed) => {
    const script = path.endsWith(".js"), made = document.createElement(script ? "script" : "link");
    made[script ? "src" : "href"] = path;
    if (!script) made.rel = "stylesheet";
    made.onload = ready;
    made.onerror = () => { made.remove(); failed(new page.Lost(path)); };
    document.head.append(made);
  });
  page.later = (name) => (coming[name] ||= Promise.all(page.parts_at[name].map(fetched)).then(
    () => page.parts[name],
    (error) => { delete coming[name]; throw error; },
  ));

  // ---- the slots ----

  const DRAWN = "http://www.w3.org/2000/svg";
  page.icon = (...paths) => {
    const made = document.createElementNS(DRAWN, "svg");
    for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", class: "pg-icon", "aria-hidden": "true", focusable: "false" })) made.setAttribute(name, value);
    for (const d of paths) {
      const path = document.createElementNS(DRAWN, "path");
      path.setAttribute("d", d);
      made.append(path);
    }
    return made;
  };
  const slots = [];
  const look = () => {
    for (const { id, fill } of slots) {
      const slot = document.getElementById(id);
      if (slot && !slot.firstElementChild) fill(slot);
    }
  };
  page.slot = (id, fill) => { slots.push({ id, fill }); look(); };
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });

  // One button that opens a part; whatever the part does, focus comes back to it at the end.
  const open = async (name, from) => {
    from.setAttribute("aria-busy", "true");
    try { (await page.later(name)).open(from); } catch (error) { page.wrong(error); } finally { from.removeAttribute("aria-busy"); }
  };
  const ICONS = {
    search: ["M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z", "m15.5 15.5 5 5"],
    share: ["M12 15V4", "m7.5 8 4.5-4.5L16.5 8", "M5 12v7.5h14V12"],
    present: ["M3.5 4.5h17v11h-17Z", "M12 15.5v5", "M8 20.5h8"],
  };
  for (const [name, said] of Object.entries(page.slots)) {
    if (!page.parts_at[name]) continue;
    page.slot(`pg-${name}`, (slot) => {
      const button = page.tools.button("", `pg-slot pg-slot-${name}`, () => open(name, button));
      button.title = said;
      button.setAttribute("aria-label", said);
      button.append(page.icon(...ICONS[name]), element("span", "", said));
      if (name === "search") button.append(element("kbd", "", "/"));
      slot.append(button);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, [contenteditable]:not([contenteditable=false]), dialog[open]")) return;
    const button = document.querySelector("#pg-search button");
    if (!button) return;
    event.preventDefault(); // the stroke itself is no question
    button.click();
  });
})();
