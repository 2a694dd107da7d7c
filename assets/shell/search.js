/*
 * Search: rooms, views, settings and models by their names in any language; what is chosen is opened, and a setting gets
 * the focus. Fetched when it is first opened (slots.js); the names come from playground/shell/search.py then.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button } = page.tools;
  const words = page.said.search;
  const MOST = 12; // what is listed; who wants another one types on
  const ORDER = ["room", "view", "lesson", "setting", "model"];
  const FOUND = 4000; // milliseconds until a setting of another view is there

  let rows = null;
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const indexed = async () => {
    if (rows) return rows;
    const told = await page.once("search", {});
    if (told.error) throw new Error(told.error);
    rows = told.rows.map((row) => ({ ...row, said: Object.values(row.names).map(plain) }));
    return rows;
  };
  /* How well a row answers; 0: not at all. Every word must stand in one of its names. */
  const fit = (row, asked) => Math.max(...row.said.map((said) => {
    if (!asked.every((each) => said.includes(each))) return 0;
    const [first] = asked, last = said.split(" › ").at(-1);
    if (last === asked.join(" ")) return 4;
    if (last.startsWith(first)) return 3;
    return said.split(/[\s›/_-]+/).some((each) => each.startsWith(first)) ? 2 : 1;
  }));
  const answers = (text) => {
    const asked = plain(text).split(/\s+/).filter(Boolean);
    if (!asked.length) return rows.filter((row) => row.kind === "room");
    return rows.map((row) => ({ row, fits: fit(row, asked) })).filter(({ fits }) => fits)
      .sort((one, other) => other.fits - one.fits || ORDER.indexOf(one.row.kind) - ORDER.indexOf(other.row.kind))
      .slice(0, MOST).map(({ row }) => row);
  };

  // ---- what is chosen is opened ----

  const seen = (id) => { const place = document.getElementById(id); return place && place.checkVisibility() ? place : null; };
  const until = async (there, time) => {
    for (const end = performance.now() + time; performance.now() < end; await new Promise((ready) => setTimeout(ready, 50))) {
      const found = there();
      if (found) return found;
    }
    return null;
  };
  const reached = async (id, view) => { // what is folded into something is unfolded
    const found = await until(() => seen(id), 1200);
    if (found) return found;
    // What a button opens says so: of those around it, the outermost first.
    const around = [];
    for (let each = document.getElementById(id); each; each = each.parentElement) if (each.id) around.unshift(each.id);
    for (const each of around) {
      const opener = document.querySelector(`[aria-controls~="${CSS.escape(each)}"][aria-expanded="false"]`);
      if (opener && opener.checkVisibility()) opener.click();
    }
    const place = document.getElementById(id), strip = place && place.closest(".pg-controls");
    const fold = strip && strip.querySelector(":scope > .pg-fold[aria-expanded='false']"); // controls of a narrow page
    if (fold && fold.checkVisibility() && !seen(id)) fold.click();
    const opened = await until(() => seen(id), 400);
    if (opened) return opened;
    const panel = document.getElementById(page.store.views().find((each) => each.view === view).id);
    for (const fold of panel ? panel.querySelectorAll(".label-wrap:not(.open)") : []) {
      if (!fold.checkVisibility()) continue;
      fold.click();
      const inside = await until(() => seen(id), 400);
      if (inside) return inside;
      fold.click();
    }
    return null;
  };
  const go = async (row) => {
    const room = row.view.split("/")[0], now = page.store.view();
    if (!(row.kind === "setting" && now.split("/")[0] === room && seen(row.id)) && now !== row.view) page.store.go(row.view);
    if (row.set) page.store.set(row.set, "visitor", "search");
    if (!row.id) {
      const panel = await until(() => seen(page.store.views().find((each) => each.view === row.view).id), FOUND);
      if (panel) { panel.tabIndex = -1; panel.focus({ preventScroll: true }); window.scrollTo({ top: 0 }); }
      return;
    }
    const place = await reached(row.id, row.view);
    if (!place) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    place.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
    const field = place.querySelector("input:not([type=hidden]), textarea, select, button");
    if (field) field.focus({ preventScroll: true });
    place.classList.add("pg-found");
    setTimeout(() => place.classList.remove("pg-found"), 2500);
  };

  // ---- the box and its list ----

  const open = (from) => {
    const dialog = element("dialog", "pg-dialog pg-find"), box = element("input", "pg-find-box"), list = element("ul");
    const told = element("p", "pg-find-told");
    let shown = [], at = -1;
    Object.assign(box, { type: "text", placeholder: words.hint, autocomplete: "off", spellcheck: false });
    for (const [name, value] of Object.entries({ role: "combobox", "aria-label": words.title, "aria-autocomplete": "list", "aria-controls": "pg-find-list", "aria-expanded": "false", enterkeyhint: "go" })) box.setAttribute(name, value);
    list.id = "pg-find-list";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", words.title);
    told.setAttribute("aria-live", "polite");
    const close = button("×", "pg-close", () => dialog.close());
    close.setAttribute("aria-label", words.close);
    const head = element("header");
    head.append(page.icon("M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z", "m15.5 15.5 5 5"), box, close);
    dialog.setAttribute("aria-label", words.title);
    dialog.append(head, told, list);

    const mark = (next) => {
      at = next;
      [...list.children].forEach((each, i) => each.setAttribute("aria-selected", String(i === at)));
      if (at < 0) { box.removeAttribute("aria-activedescendant"); return; }
      box.setAttribute("aria-activedescendant", list.children[at].id);
      list.children[at].scrollIntoView({ block: "nearest" });
    };
    const choose = (row) => {
      chosen = true;
      dialog.close();
      go(row);
    };
    let chosen = false;
    const option = (row, i) => {
      const made = element("li"), name = row.names[page.lang];
      made.id = `pg-find-${i}`;
      made.setAttribute("role", "option");
      made.append(element("span", "pg-find-name", name), element("small", "", row.where ? `${words[row.kind]} · ${row.where[page.lang]}` : words[row.kind]));
      made.addEventListener("click", () => choose(row));
      return made;
    };
    const fill = () => {
      if (!rows) return;
      shown = answers(box.value);
      list.replaceChildren(...shown.map(option));
      box.setAttribute("aria-expanded", String(shown.length > 0));
      told.textContent = shown.length ? "" : words.none;
      mark(shown.length && box.value.trim() ? 0 : -1);
    };
    box.addEventListener("input", fill);
    dialog.addEventListener("keydown", (event) => {
      if (event.isComposing) return; // an input method's keys are its own
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && shown.length) {
        event.preventDefault();
        mark(at < 0 && step < 0 ? shown.length - 1 : (at + step + shown.length) % shown.length);
      } else if (event.key === "Enter" && event.target === box && shown.length) {
        event.preventDefault();
        choose(shown[Math.max(at, 0)]);
      }
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => { dialog.remove(); if (!chosen) from.focus(); });
    from.parentElement.append(dialog);
    dialog.showModal();
    box.focus();
    told.textContent = rows ? "" : words.loading;
    indexed().then(fill, (error) => { told.textContent = words[page.wrong(error) === "lost" ? "lost" : "failed"]; });
  };
  page.parts.search = { open };
})();
