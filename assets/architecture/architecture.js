/*
 * The tree of an architecture: open, close, search, copy. The drawing's own scripts come when there is one to be drawn.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { copying } = page.tools;

  const search = (tree, wanted) => {
    const words = wanted.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    const look = (row) => {
      const own = words.length > 0 && words.every((word) => row.dataset.k.includes(word));
      const below = [...row.querySelectorAll(":scope > .arc-node, :scope > .arc-leaf")].map(look).some(Boolean);
      row.classList.toggle("hit", own);
      row.classList.toggle("gone", words.length > 0 && !own && !below && !row.parentElement.closest(".hit"));
      if (below && row.tagName === "DETAILS") row.open = true;
      found += own;
      return own || below;
    };
    for (const row of tree.querySelectorAll(":scope > .arc-node, :scope > .arc-leaf")) look(row);
    const told = tree.querySelector(".arc-found");
    told.textContent = words.length ? (found ? String(found) : told.dataset.none) : "";
  };
  document.addEventListener("input", (event) => {
    if (event.target.dataset && event.target.dataset.arc === "search") search(event.target.closest(".arc-tree"), event.target.value);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button[data-arc]");
    if (!button) return;
    const what = button.dataset.arc;
    if (what === "copy") {
      copying(button, button.parentElement.querySelector("code").textContent, button.dataset.done);
      return;
    }
    if (button.closest(".arc-tree")) for (const node of button.closest(".arc-tree").querySelectorAll("details")) node.open = what === "open" || !node.parentElement.closest("details");
  });

  // ---- the drawing and the gauge ----

  const waited = new WeakMap(); // a place's body → the last scene that it is to show
  document.addEventListener("playground:data", async ({ target, detail }) => {
    if (detail.place !== "arc-flow") return;
    waited.set(target, detail.value);
    while (waited.get(target) === detail.value) {
      try {
        const drawing = await page.later("drawing");
        if (waited.get(target) === detail.value) drawing.show(target, detail.value);
        return;
      } catch (error) {
        if (page.wrong(error) !== "lost") throw error;
        await new Promise((ready) => setTimeout(ready, 2000)); // the server is away: as runs.js does, again
      }
    }
  });
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest && event.target.closest(".arc-gauge [data-arc]");
    if (!pressed) return;
    if (pressed.dataset.arc === "memory") page.store.go("architecture/memory");
    if (pressed.dataset.arc === "reset") page.runs.ask("architecture/reset");
  });
})();
