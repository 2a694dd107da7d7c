/* The Sentences view: the cell of a matrix that is pointed at, and what the box over the map finds. */
(() => {
  "use strict";
  const page = window.playground;
  const put = (parent, tag, text) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
  };

  // ---- all pairs of many sentences: the number of the cell that is pointed at ----

  const cellAt = (event) => event.target.closest && event.target.closest(".sen-matrix.small td");
  const point = (event) => {
    const cell = cellAt(event);
    if (!cell) return;
    const rows = cell.closest("tbody").rows, said = cell.closest(".sen-pairs").querySelector(".sen-cell");
    const line = (number) => rows[number - 1].cells[0].title;
    const [one, other] = [cell.parentNode.rowIndex, cell.cellIndex];
    said.replaceChildren();
    put(said, "b", `${one} × ${other}: ${cell.textContent}`);
    for (const number of one === other ? [one] : [one, other]) { put(said, "br"); put(said, "bdi", `${number}  ${line(number)}`); }
  };
  document.addEventListener("mouseover", point);
  document.addEventListener("focusin", point);
  document.addEventListener("keydown", (event) => {
    const cell = cellAt(event), move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!cell || !move) return;
    const row = cell.closest("table").rows[cell.parentNode.rowIndex + move[0]], next = row && row.cells[cell.cellIndex + move[1]];
    event.preventDefault();
    if (!next || next.tagName !== "TD") return;
    cell.tabIndex = -1; next.tabIndex = 0;
    next.focus();
  });

  // ---- what the box over the map finds: rings on the map, and a list in the inspector ----

  const { element, button } = page.tools;
  const KEY = "found"; // of the inspector
  let found = null; // of what is typed: {query, told, unseen, note, hits: [{row, text, score}]}
  let sent = false; // by Enter: then a list may cover half of a narrow page
  const map = () => document.getElementById("sen-map");
  const listed = () => {
    const list = element("ol");
    for (const { row, text, score } of found.hits) {
      const item = element("li"), name = element("span", "", text);
      name.dir = "auto";
      const go = button("", "", () => page.maps.choose(map(), row));
      go.append(name);
      item.append(go, element("small", "", score.toFixed(3)));
      list.append(item);
    }
    const made = element("div", "pg-map-near");
    made.append(element("p", "", found.told), list, element("p", "pg-note", found.note));
    return made;
  };
  const mark = (opens) => {
    if (!found || !map()) return;
    const some = found.hits.length > 0;
    page.maps.found(map(), some ? found.hits.map(({ row }) => row) : null, some ? found.told : "");
    if (!some && page.inspector.key === KEY) page.inspector.close();
    if (!some || !opens || !map().checkVisibility() || !(page.inspector.column || sent)) return;
    page.inspector.open({ key: KEY, title: found.query, body: listed(), from: document.querySelector("#sen-query textarea, #sen-query input"), quiet: true });
  };
  document.addEventListener("playground:data", (event) => {
    if (event.detail.place !== "sen-hits") return;
    found = event.detail.value;
    event.target.innerHTML = found.unseen || ""; // a warning of ours, escaped by who made it
    mark(true);
    sent = false;
  });
  let putting = false; // what was put onto the map is looked at as soon as it is there
  document.addEventListener("playground:map", (event) => {
    if (!event.target.closest("#sen-map")) return;
    mark(false);
    const { marked } = page.figures.states.get(event.target).more;
    if (putting && marked.length) setTimeout(() => page.maps.choose(map(), marked.at(-1)));
    putting = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.closest("#sen-query")) return;
    sent = true;
    if (found && found.query && found.query === event.target.value.trim()) mark(true);
  });
  // What is put onto the map is looked at there.
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#sen-put")) return;
    const box = document.querySelector("#sen-query textarea, #sen-query input");
    if (box && !box.value.trim()) { box.focus(); return; }
    putting = true;
    page.store.go("sentences/map");
  });
  // Who chooses their own lines, or a file, is shown where they go.
  page.store.watch((changed) => {
    if (!changed.includes("sentences.source") || page.store.get("sentences.source") !== "own") return;
    const label = document.querySelector("#sen-yours > .label-wrap:not(.open)");
    if (label) label.click();
  });
})();
