/*
 * The tree of an architecture: open, close, search, copy.
 */
(() => {
  "use strict";
  const { copying } = window.playground.tools;

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
    for (const node of button.closest(".arc-tree").querySelectorAll("details")) node.open = what === "open" || !node.parentElement.closest("details");
  });
})();
