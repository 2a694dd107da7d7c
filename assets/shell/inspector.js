/*
 * The one inspector: what a visitor selected anywhere (a token, a point, a layer, a song), looked at closely. At the
 * right of a wide page, a sheet from below on a narrow one; always in the same place, and nothing moves when it opens.
 *
 *   page.inspector.open({ key, title, body, from })   body: an element or a list of them. from: what was selected; it
 *                                    has the focus back afterwards. The same key takes other contents, and moves no focus.
 *                                    quiet: nobody asked for it, and no focus moves; bottom(): where what was selected ends
 *                                    in the window, if it is not all of `from`
 *   page.inspector.close()
 *   page.inspector.key               of what is open, or ""
 *   page.inspector.column            whether it has a column of its own, which what is selected may fill unasked
 *   page.inspector.pointed(event)    of a pointerover: whether the pointer went there; not if the page moved beneath it
 *
 * `playground:inspector` is dispatched on document with {key} when something is opened, and with {key: ""} at the end.
 * A view for which a wide page leaves room has the class pg-inspects on its panel. Another view closes it.
 */
(() => {
  "use strict";
  const page = window.playground;
  const wide = matchMedia("(min-width: 1400px)");

  let key = "", from = null;
  let pressed = ""; // the key that did it last, "" for a pointer: arrows go along tokens, Enter goes in
  document.addEventListener("keydown", (event) => { pressed = event.key; }, true);
  document.addEventListener("pointerdown", () => { pressed = ""; }, true);

  let last = "", moved = false; // where the pointer was, and whether it is elsewhere now
  for (const kind of ["pointerover", "pointermove"])
    document.addEventListener(kind, ({ clientX, clientY }) => { moved = last !== (last = `${clientX} ${clientY}`); }, true);
  const pointed = (event) => event.pointerType !== "touch" && moved;

  // It stands in the header's part of the page, and is empty until then.
  const frame = () => document.getElementById("pg-inspector");
  const tell = () => document.dispatchEvent(new CustomEvent("playground:inspector", { detail: { key } }));
  const goesIn = () => (wide.matches ? ["Enter", " "] : ["Enter", " ", ""]).includes(pressed);

  const reveal = (bottom) => { // what was selected is not left under the sheet
    if (wide.matches || !from || !from.isConnected) return;
    const over = (bottom ? bottom() : from.getBoundingClientRect().bottom) - frame().getBoundingClientRect().top;
    if (over > 0) window.scrollBy({ top: over + 12, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  };
  const open = (told) => {
    const aside = frame(), title = aside.querySelector("h2"), anew = key !== told.key;
    key = told.key;
    from = told.from || null;
    title.textContent = told.title;
    aside.querySelector(".pg-inspector-body").replaceChildren(...[].concat(told.body));
    aside.hidden = false;
    document.documentElement.classList.add("pg-inspecting");
    if (anew) {
      aside.querySelector(".pg-inspector-body").scrollTop = 0;
      if (goesIn() && !told.quiet) title.focus({ preventScroll: true });
    }
    if (!told.quiet) reveal(told.bottom);
    tell();
  };
  const close = ({ back = true } = {}) => {
    if (!key) return;
    const aside = frame(), inside = aside.contains(document.activeElement) || document.activeElement === document.body;
    key = "";
    aside.hidden = true;
    document.documentElement.classList.remove("pg-inspecting");
    aside.querySelector(".pg-inspector-body").replaceChildren();
    if (back && inside && from && from.isConnected) from.focus({ preventScroll: true });
    from = null;
    tell();
  };

  document.addEventListener("click", (event) => { if (event.target.closest("#pg-inspector .pg-close")) close(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !key || event.defaultPrevented || event.isComposing) return;
    if (event.target.matches("[aria-expanded='true'], dialog *") || document.querySelector("#pg-models[data-open], :popover-open")) return; // what is on top is closed first
    event.preventDefault();
    close();
  });

  // Whether what is seen uses it; it says what it is for, where room is left for it.
  page.store.watchView(() => {
    close({ back: false });
    const uses = [...document.querySelectorAll(".pg-inspects")].find((each) => each.checkVisibility());
    const hint = document.querySelector(".pg-inspector-hint"), own = uses && uses.querySelector("[data-inspector-hint]");
    if (!hint) return; // a page may have none
    hint.dataset.usual ??= hint.textContent;
    hint.textContent = own ? own.dataset.inspectorHint : hint.dataset.usual; // where there is no picture to click
    hint.hidden = !uses;
  });

  page.inspector = { open, close, pointed, get key() { return key; }, get column() { return wide.matches; } };
})();
