/*
 * The model in use in the room that is seen, in the header: its name, and whether it is loaded. A click opens the
 * Models drawer (playground/rooms/models), which is Gradio's accordion drawn at the side.
 *
 * Its state is asked for once for every model that comes into sight, and again when something of its room, or of
 * the drawer, was answered; never by the clock.
 */
(() => {
  "use strict";
  const page = window.playground;
  const pill = () => document.querySelector("#pg-model > .pg-pill");
  const roomOf = (view) => view.split("/")[0];

  const states = new Map(); // "room model" → "loaded", "ready", "download", ""
  let shown = "";

  const paint = () => {
    const button = pill(), room = roomOf(page.store.view()), model = page.store.get(`${room}.model`);
    if (!button) return;
    const name = typeof model === "string" ? model : "", state = (name && states.get(`${room} ${name}`)) || "";
    const said = button.querySelector("span");
    button.dataset.usual ||= said.textContent;
    said.textContent = name.split("/").pop() || button.dataset.usual;
    button.dataset.state = state;
    button.title = state ? page.tools.filled(button.dataset.told, { name, state: button.dataset[state] }) : name || button.dataset.usual;
    button.setAttribute("aria-label", button.title);
    shown = name && `${room} ${name}`;
  };
  const ask = async () => {
    const asked = shown, [room] = asked.split(" ", 1);
    if (!asked || !page.store.begun()) return;
    try {
      const { state } = await page.once("models/state", { room, model: asked.slice(room.length + 1) });
      states.set(asked, state || "");
    } catch (error) { page.wrong(error); } // what the room itself asks tells a visitor
    paint();
  };
  const look = () => {
    const before = shown;
    paint();
    if (shown && shown !== before && states.get(shown) !== "loaded") ask();
  };
  page.store.watchView(look);
  page.store.watch((changed) => { if (changed.some((id) => id.endsWith(".model"))) look(); });
  document.addEventListener("playground:answered", (event) => {
    const room = roomOf(event.detail.name);
    if (event.detail.name === "models/state") return;
    if (room === "models") states.clear(); // loaded, or unloaded
    // What Next token streams is called "next/…".
    if (room === "models" || (roomOf(page.store.view()).startsWith(room) && states.get(shown) !== "loaded")) ask();
  });

  // ---- the drawer ----

  const drawer = () => document.getElementById("pg-models");
  const label = () => drawer().querySelector(".label-wrap");
  const isOpen = () => Boolean(drawer() && drawer().hasAttribute("data-open"));
  const set = (open) => {
    drawer().toggleAttribute("data-open", open);
    pill().setAttribute("aria-expanded", String(open));
    if (label().classList.contains("open") !== open) label().click();
    (open ? label() : pill()).focus({ preventScroll: true });
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("#pg-model > .pg-pill")) set(!isOpen());
    else if (isOpen() && event.isTrusted && event.target.closest("#pg-models > .label-wrap")) setTimeout(() => set(false)); // Gradio first
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || !isOpen()) return;
    if (event.target.matches("[aria-expanded='true']:not(.pg-pill, .label-wrap)")) return; // a menu in it is closed by it first
    event.preventDefault();
    set(false);
  });
})();
