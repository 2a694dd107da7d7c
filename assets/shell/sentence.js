/*
 * One sentence and one language model for all rooms. Home hands them on; each room's controls that are made with
 * `shared` (playground/ui/controls.py) take them when the room is opened, unless they were changed there. A room
 * whose sentence is another one says so, with a way back.
 *
 *   page.sentence.carry(text, model, view)   they are every room's from now on; opens a view
 */
(() => {
  "use strict";
  const page = window.playground;
  const HELD = { text: "home.carried", model: "home.carried_model" }, ROOMS = "home.taken";
  const room = (id) => id.split(/[./]/)[0];
  const held = (kind) => page.store.get(HELD[kind]) || [];
  const rows = (view) => page.store.common().filter((row) => room(row.id) === room(view));
  let door = ""; // the room that a visitor goes to with the sentence in hand

  const put = (into, by, who) => {
    page.store.set(Object.fromEntries(into.map((row) => [row.id, { value: held(row.shared).at(-1), given: true }])), by, who);
    for (const row of into) if (row.asks) page.runs.ask(row.asks);
  };
  const take = (view) => {
    if (!held("text").length || (page.store.get(ROOMS) || []).includes(room(view))) return;
    const into = rows(view);
    if (!into.length) return;
    page.store.set({ [ROOMS]: [...page.store.get(ROOMS), room(view)] });
    const own = (row) => ![page.store.usual(row.id), ...held(row.shared)].includes(page.store.get(row.id));
    // What is said in a conversation is never written from afar.
    put(into.filter((row) => !own(row) && (!row.private || door === room(view))));
    door = "";
  };
  const note = (view) => {
    for (const row of rows(view)) {
      const box = document.getElementById(row.at);
      if (row.shared !== "text" || row.private || !box) continue;
      const found = box.parentElement.querySelector(`[data-parted="${row.id}"]`), mine = page.store.get(row.id);
      const parted = held("text").length > 0 && mine !== held("text").at(-1);
      if (found) { found.hidden = !parted; continue; }
      if (!parted) continue;
      const made = page.tools.element("p", "pg-parted", page.runs.words("parted") + " ");
      made.dataset.parted = row.id;
      made.append(page.tools.button(page.runs.words("take_shared"), "", () => put([row], "visitor", "shared")));
      box.after(made);
    }
  };
  const look = () => {
    const view = page.store.view();
    if (view) page.runs.soon(() => note(view), () => view !== page.store.view() || rows(view).every((row) => document.getElementById(row.at)));
  };
  page.store.watch(look);
  page.store.watchView((view) => { take(view); look(); });

  page.sentence = {
    carry: (text, model, view) => {
      const more = (kind, value) => [...held(kind).filter((each) => each !== value), value].slice(-20);
      page.store.set({ [HELD.text]: more("text", text), [HELD.model]: more("model", model), [ROOMS]: [] });
      door = room(view);
      page.store.go(view);
      window.scrollTo(0, 0);
    },
  };
})();
