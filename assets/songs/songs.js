/*
 * Songs that are liked or disliked, and the one that is looked at: any button with data-song and data-act.
 *
 *   data-act   "liked", "disliked"; "drop": neither; "open": in the inspector, which the place songs-seen fills
 *
 * Ids stand in the page's store (songs.liked, songs.disliked, songs.seen); what they mean is answered by the server.
 */
(() => {
  "use strict";
  const page = window.playground;
  const KEY = "song", SEEN = "songs.seen";
  const KINDS = ["liked", "disliked"];

  const words = () => JSON.parse(document.querySelector("#songs-you .pg-data").textContent);

  // ---- what is liked and disliked ----

  const pick = (id, act) => {
    const next = {};
    for (const kind of KINDS) next[`songs.${kind}`] = picked(kind).filter((other) => other !== id);
    if (KINDS.includes(act)) next[`songs.${act}`].push(id);
    page.store.set(next, "visitor");
  };
  // The example has one name for its songs: whoever adds to it adds to what they see.
  const picked = (kind) => {
    const ids = page.store.get(`songs.${kind}`);
    if (ids.length !== 1 || ids[0] !== "example") return ids;
    return [...document.querySelectorAll(`#songs-shown li.${kind} .song-open`)].map((button) => button.dataset.song);
  };

  // ---- the song that is looked at ----

  const open = (id, from) => {
    if (page.inspector.key !== KEY) {
      const body = page.tools.element("div", "pg-place song-seen");
      body.dataset.place = "songs-seen";
      page.inspector.open({ key: KEY, title: words().song, body, from });
    }
    page.store.set({ [SEEN]: id });
  };
  document.addEventListener("playground:inspector", ({ detail }) => {
    if (!detail.key && page.store.get(SEEN)) page.store.set({ [SEEN]: "" });
  });
  // A link, or a reload, that has one: it is looked at again.
  page.store.watchView((view) => {
    const id = view.startsWith("songs/") && page.store.get(SEEN);
    if (!id || !document.querySelector("#songs-you .pg-data")) return;
    open(id);
    page.runs.ask("songs/song"); // it was the store's already, and so is no change
  });

  // ---- data of one's own, or the book's: where they are chosen ----

  const unfold = () => {
    const fold = document.querySelector("#songs-strip > .pg-fold"), label = document.querySelector("#songs-data > .label-wrap");
    if (fold && fold.checkVisibility() && fold.getAttribute("aria-expanded") === "false") fold.click();
    if (!label.classList.contains("open")) label.click();
    const ready = () => {
      const button = document.querySelector("#songs-fetch");
      if (!button || !button.checkVisibility()) { requestAnimationFrame(ready); return; }
      button.scrollIntoView({ block: "nearest" });
      button.focus();
    };
    ready();
  };

  document.addEventListener("click", ({ target }) => {
    const button = target.closest && target.closest("[data-song][data-act]");
    if (button && button.dataset.act === "open") open(button.dataset.song, button);
    else if (button) pick(button.dataset.song, button.dataset.act);
    else if (target.closest && target.closest(".song-other")) unfold();
  });
  document.addEventListener("playground:point", ({ detail }) => open(detail.id, detail.from));
})();
