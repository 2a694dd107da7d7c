/* Songs that are liked or disliked, in lists and on the map (a point that is clicked: figures_map.js). */
(() => {
  "use strict";

  // ---- what is liked: JSON in a box that is not shown ----

  const box = () => document.querySelector("#songs-picks textarea, #songs-picks input");
  const pick = (id, act) => {
    const field = box();
    if (!field) return;
    let told = {};
    try { told = field.value ? JSON.parse(field.value) : shipped(); } catch { /* begin anew */ }
    const without = (list) => (list || []).filter((other) => other !== id);
    const next = { liked: without(told.liked), disliked: without(told.disliked) };
    if (act in next) next[act].push(id);
    field.value = next.liked.length + next.disliked.length ? JSON.stringify(next) : "{}";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  // The example is on the page but not in the box: whoever adds to it adds to what they see.
  const shipped = () => {
    const told = { liked: [], disliked: [] };
    for (const kind of ["liked", "disliked"])
      for (const button of document.querySelectorAll(`#songs-shown li.${kind} [data-song]`)) told[kind].push(button.dataset.song);
    return told;
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-song][data-act]");
    if (button) pick(button.dataset.song, button.dataset.act);
  });
  document.addEventListener("playground:liked", (event) => pick(event.detail, "liked"));
})();
