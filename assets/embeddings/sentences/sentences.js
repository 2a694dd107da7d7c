/* The Sentences view: the cell of a matrix that is pointed at, and whether a comparison is of what is still chosen. */
(() => {
  "use strict";
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

  // ---- two models: whether what was compared is still what is chosen ----

  let compared = "";
  if (window.playground) window.playground.compare = (now, pressed) => {
    if (pressed) compared = JSON.stringify(now);
    document.querySelector("#sen-tabs").toggleAttribute("data-stale", !!compared && JSON.stringify(now) !== compared);
  };
})();
