/* Songs that are liked or disliked, in lists and on the map (a point that is clicked: figures_map.js). */
(() => {
  "use strict";

  // ---- what is liked and disliked: ids in the page's store ----

  const KINDS = ["liked", "disliked"];
  const pick = (id, act) => {
    const store = window.playground && window.playground.store;
    if (!store) return; // a map that was saved stands alone
    const next = {};
    for (const kind of KINDS) next[`songs.${kind}`] = picked(store, kind).filter((other) => other !== id);
    if (KINDS.includes(act)) next[`songs.${act}`].push(id);
    store.set(next, "visitor");
  };
  // The example has one name for its songs: whoever adds to it adds to what they see.
  const picked = (store, kind) => {
    const ids = store.get(`songs.${kind}`);
    if (ids.length !== 1 || ids[0] !== "example") return ids;
    return [...document.querySelectorAll(`#songs-shown li.${kind} [data-song]`)].map((button) => button.dataset.song);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-song][data-act]");
    if (button) pick(button.dataset.song, button.dataset.act);
  });
  document.addEventListener("playground:liked", (event) => pick(event.detail, "liked"));
})();
