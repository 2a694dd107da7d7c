/*
 * Share: the view that is seen for others, as a link, a QR code, a file, a picture; and a file opened again.
 * Fetched at the first click (slots.js).
 *
 * What a link cannot hold is told by the store (`shared().left`), and by rooms that keep something of their own: each
 * hears `playground:share` on document and adds to detail.left what of it stays here ("private" or "brought").
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, filled, number, copying } = page.tools;
  const words = page.said.share;
  const LONGEST = 2000; // characters of a link: some programs cut longer ones
  const CODED = 300; // what a phone can read off a screen; playground/shell/qr.py
  const FILE = "playground-view.json", KIND = "llm-playground-view";
  const LARGEST = 1 << 20; // bytes of a file that is opened
  const LOCAL = /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/; // the same name means the phone itself, on a phone
  const DRAWN = "http://www.w3.org/2000/svg";

  /* A link's QR code as an <svg>; null where it is too long. */
  const code = async (link) => {
    if (link.length > CODED) return null;
    const told = await page.once("qr", { text: link });
    if (told.error) throw new Error(told.error);
    const made = document.createElementNS(DRAWN, "svg");
    for (const [name, value] of Object.entries({ viewBox: `0 0 ${told.size} ${told.size}`, class: "pg-qr", role: "img", "aria-label": words.qr, "shape-rendering": "crispEdges" })) made.setAttribute(name, value);
    const dark = document.createElementNS(DRAWN, "path");
    dark.setAttribute("d", told.path);
    made.append(dark);
    return made;
  };

  const save = (content) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
    link.download = FILE;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const asked = () => {
    const told = page.store.shared(), left = new Set(told.left);
    document.dispatchEvent(new CustomEvent("playground:share", { detail: { view: told.view, left } }));
    return { ...told, left: ["brought", "private"].filter((each) => left.has(each)) };
  };

  // ---- its sections ----

  const section = (title, ...inside) => {
    const made = element("section");
    made.append(element("h3", "", title), ...inside);
    return made;
  };
  const linked = (link, dialog) => {
    const line = element("input", "pg-share-link");
    Object.assign(line, { type: "text", readOnly: true, value: link });
    line.setAttribute("aria-label", words.link);
    line.addEventListener("focus", () => line.select());
    const copy = button(words.copy, "primary", async () => {
      if (!(await copying(copy, link, words.copied))) line.focus(); // selected, to be copied by hand
    });
    const row = element("div", "pg-share-row"), square = element("div", "pg-share-code");
    row.append(line, copy);
    const made = section(words.link, row, element("p", "pg-note", words.link_note), square);
    if (link.length > CODED) square.append(element("p", "pg-note", filled(words.qr_long, { most: CODED })));
    else code(link).then(
      (drawn) => { square.append(drawn, element("p", "pg-note", LOCAL.test(location.hostname) ? words.qr_local : words.qr_note)); },
      (error) => { square.append(element("p", "pg-warning", page.wrong(error) === "lost" ? words.qr_lost : words.qr_failed)); },
    );
    return made;
  };
  const filed = (told, link) => section(words.file,
    element("p", "", filled(words.file_why, { length: number(link.length), most: number(LONGEST) })),
    button(words.file_save, "primary", () => save(JSON.stringify({ kind: KIND, view: told.view, values: told.values }, null, 1))));
  const left = (kinds) => {
    const made = section(words.left), list = element("ul");
    for (const kind of kinds) list.append(element("li", "", words[`left_${kind}`]));
    made.append(list);
    return made;
  };
  const taken = (dialog) => { // a picture of the figure that is seen, and where its data are
    const figure = page.figures && [...page.figures.states.values()].find(({ el }) => el.checkVisibility());
    const found = [...document.querySelectorAll(".pg-download")].filter((each) => each.checkVisibility() && !each.disabled);
    const room = page.store.view().split("/")[0], files = page.store.views().find(({ view }) => view === `${room}/save`);
    const row = element("div", "pg-share-row");
    if (figure) for (const format of ["png", "svg"]) row.append(button(words[`picture_${format}`], "", () => page.figures.picture(figure, format)));
    for (const each of found) row.append(button(filled(words.data_of, { name: each.textContent.trim() }), "", () => { dialog.close(); each.scrollIntoView({ block: "center" }); each.focus(); }));
    if (files && page.store.view() !== files.view) row.append(button(words.data, "", () => { dialog.close(); page.store.go(files.view); }));
    return row.children.length ? section(words.take, row) : "";
  };
  const opening = (dialog) => {
    const label = element("label", "pg-share-open", words.open), input = element("input"), told = element("p", "pg-told");
    Object.assign(input, { type: "file", accept: ".json,application/json" });
    told.setAttribute("aria-live", "polite");
    label.append(input);
    input.addEventListener("change", async () => {
      const [file] = input.files;
      input.value = "";
      if (!file) return;
      let brought = false;
      try {
        const read = file.size <= LARGEST ? JSON.parse(await file.text()) : null;
        brought = Boolean(read) && read.kind === KIND && page.store.bring(read);
      } catch { /* no JSON at all: said below */ }
      if (brought) dialog.close();
      else told.replaceChildren(element("p", "pg-warning", filled(words.open_wrong, { name: file.name })));
    });
    return section(words.opens, element("p", "pg-note", words.open_note), label, told);
  };

  // ---- the dialog ----

  const open = (from) => {
    const dialog = element("dialog", "pg-dialog pg-share"), head = element("header"), title = element("h2", "", words.title);
    title.id = "pg-share-title";
    dialog.setAttribute("aria-labelledby", title.id);
    const close = button("×", "pg-close", () => dialog.close());
    close.setAttribute("aria-label", words.close);
    head.append(title, close);
    const told = asked(), link = page.store.link(), long = link.length > LONGEST || page.store.cut();
    dialog.append(head, long ? filed(told, link) : linked(link, dialog));
    if (told.left.length) dialog.append(left(told.left));
    dialog.append(taken(dialog), opening(dialog));
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); }); // beside it
    dialog.addEventListener("close", () => { dialog.remove(); from.focus(); });
    document.body.append(dialog);
    dialog.showModal();
    (dialog.querySelector(".primary") || close).focus();
  };

  page.parts.share = { open, code };
})();
