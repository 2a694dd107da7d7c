/*
 * Songs that are liked or disliked, and maps of many points on a canvas, in two dimensions or three.
 * Data come as JSON in <pre class="pg-data">; whatever is text in them enters the page by textContent or fillText.
 *
 * A map's data: xyz (base64 of 16-bit numbers, d of them a point), g (base64, a colour a point; 12 is grey),
 * t (what each is called), m (points drawn large), n (points at the ends of lines from the last of m).
 * Either id (a click likes a song), or k true neighbours a point: near, cos (in ten thousandths), kept (1 where
 * the neighbour is near on the map, too; of so many as "measured" says, which may be none); then a click selects
 * a point and lines lead to its neighbours.
 */
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

  // ---- maps ----

  const GREY = 12;
  const NAMED = 8; // of a whole playlist's songs, the last ones are called by name
  const maps = new WeakMap(); // canvas → its state
  const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0)).buffer;
  const colours = (canvas) => {
    const style = getComputedStyle(canvas);
    const named = (name) => style.getPropertyValue(name).trim();
    const groups = [];
    for (let place = 1; place <= GREY; place++) groups.push(named(`--map-${place}`));
    return { groups: [...groups, named("--map-0")], ink: named("--pg-ink"), accent: named("--pg-accent"), card: named("--pg-card"), muted: named("--pg-muted") };
  };
  const frameOf = (canvas) => canvas.closest(".pg-map");
  const part = (canvas, name) => frameOf(canvas).querySelector(`.pg-map-${name}`);

  const read = (canvas) => {
    const data = JSON.parse(frameOf(canvas).querySelector(".pg-data").textContent);
    const raw = new Uint16Array(bytes(data.xyz)), count = raw.length / data.d;
    const at = Array.from({ length: 3 }, () => new Float32Array(count));
    for (let i = 0; i < count; i++) for (let axis = 0; axis < data.d; axis++) at[axis][i] = raw[i * data.d + axis] / 32767.5 - 1;
    return {
      key: canvas.dataset.key, data, count, space: at, group: new Uint8Array(bytes(data.g)), three: data.d === 3,
      near: "near" in data ? new Int32Array(bytes(data.near)) : null, cos: "cos" in data ? new Int16Array(bytes(data.cos)) : null,
      kept: "kept" in data ? new Uint8Array(bytes(data.kept)) : null, low: null,
      sx: new Float32Array(count), sy: new Float32Array(count), depth: new Float32Array(count),
      at: -1, chosen: -1, only: -1, found: null, drag: null, moved: false,
    };
  };
  const begin = (canvas) => {
    const state = { ...read(canvas), zoom: 1, x: 0, y: 0, turn: 0.6, tilt: 0.35 };
    maps.set(canvas, state);
    const again = () => { if (!state.asked) { state.asked = true; requestAnimationFrame(() => { state.asked = false; draw(canvas); }); } };
    state.again = again;
    new ResizeObserver(again).observe(canvas);
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoomAt(canvas, Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      state.drag = { x: event.clientX, y: event.clientY };
      state.moved = false;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (state.drag) {
        const [dx, dy] = [event.clientX - state.drag.x, event.clientY - state.drag.y];
        if (!state.moved && Math.abs(dx) + Math.abs(dy) <= 3) return;
        state.moved = true;
        if (state.three) { state.turn += dx / 150; state.tilt = Math.max(-1.5, Math.min(1.5, state.tilt + dy / 150)); }
        else { const scale = scaleOf(canvas, state); state.x -= dx / scale; state.y += dy / scale; }
        state.drag = { x: event.clientX, y: event.clientY };
      } else state.at = nearest(canvas, event.offsetX, event.offsetY);
      tell(canvas); again();
    });
    canvas.addEventListener("pointerleave", () => { if (!state.drag) { state.at = -1; tell(canvas); again(); } });
    canvas.addEventListener("pointerup", (event) => {
      state.drag = null;
      if (state.moved) return;
      const at = nearest(canvas, event.offsetX, event.offsetY);
      if (state.near) choose(canvas, at);
      else if (at >= 0) pick(state.data.id[at], "liked");
    });
    canvas.addEventListener("pointercancel", () => { state.drag = null; again(); });
    canvas.addEventListener("keydown", (event) => {
      const step = 40 / scaleOf(canvas, state);
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      const move = moves[event.key];
      if (move && state.three) { state.turn += Math.sign(move[0]) * 0.15; state.tilt += Math.sign(move[1]) * 0.15; }
      else if (move) { state.x += move[0]; state.y += move[1]; }
      else if (event.key === "+" || event.key === "=" || event.key === "-")
        zoomAt(canvas, event.key === "-" ? 1 / 1.4 : 1.4, canvas.clientWidth / 2, canvas.clientHeight / 2);
      else if (event.key === "Escape") { if (state.near) choose(canvas, -1); }
      else if (event.key === "Enter" && state.near && state.at >= 0) choose(canvas, state.at);
      else return;
      event.preventDefault();
      place(canvas);
      state.at = nearest(canvas, canvas.clientWidth / 2, canvas.clientHeight / 2);
      tell(canvas); again();
    });
    first(canvas);
  };
  // What was chosen stays chosen when the same rows are drawn anew, be it on the same canvas or on another.
  const left = new WeakMap(); // the map's place on the page → {t, m, chosen}
  const home = (canvas) => frameOf(canvas).closest("[id]") || document.body;
  const first = (canvas) => {
    const state = maps.get(canvas), { m, t } = state.data, before = left.get(home(canvas));
    const same = before && before.t.length === t.length && before.t.every((each, i) => each === t[i])
      && (!m.length || m[m.length - 1] === before.m[before.m.length - 1]);
    if (state.near) choose(canvas, same ? before.chosen : m.length ? m[m.length - 1] : -1);
    state.again();
  };
  document.addEventListener("playground:theme", () => {
    for (const canvas of document.querySelectorAll(".pg-map canvas")) if (maps.has(canvas)) maps.get(canvas).again();
  });
  // Gradio keeps a page's elements where new ones look alike: the same canvas, with other data beside it.
  const settle = () => {
    for (const canvas of document.querySelectorAll(".pg-map canvas")) {
      const state = maps.get(canvas);
      if (!state) begin(canvas);
      else if (state.key !== canvas.dataset.key) { Object.assign(state, read(canvas)); first(canvas); }
      else if (state.width !== canvas.width) state.again();
      // The same data drawn anew: the canvas stays as it is, but what was written beside it is gone.
      const side = state && state.near && part(canvas, "side");
      if (side && !side.childElementCount) choose(canvas, state.chosen, true);
    }
  };
  const scaleOf = (canvas, state) =>
    (Math.min(canvas.clientWidth, canvas.clientHeight) - 24) / 2 * state.zoom;
  const zoomAt = (canvas, factor, px, py) => {
    const state = maps.get(canvas);
    const before = scaleOf(canvas, state);
    state.zoom = Math.min(Math.max(state.zoom * factor, 0.8), 80);
    const after = scaleOf(canvas, state);
    const [dx, dy] = [px - canvas.clientWidth / 2, canvas.clientHeight / 2 - py];
    if (!state.three) { state.x += dx / before - dx / after; state.y += dy / before - dy / after; }
    state.again();
  };
  // Where every point is on the screen; three dimensions are turned first.
  const place = (canvas) => {
    const state = maps.get(canvas), scale = scaleOf(canvas, state), { sx, sy, depth, count } = state;
    const [xs, ys, zs] = state.space, half = canvas.clientWidth / 2, middle = canvas.clientHeight / 2;
    if (!state.three) {
      for (let i = 0; i < count; i++) { sx[i] = (xs[i] - state.x) * scale + half; sy[i] = middle - (ys[i] - state.y) * scale; }
      return;
    }
    const [ct, st, cl, sl] = [Math.cos(state.turn), Math.sin(state.turn), Math.cos(state.tilt), Math.sin(state.tilt)];
    for (let i = 0; i < count; i++) {
      const x = xs[i] * ct + zs[i] * st, z = zs[i] * ct - xs[i] * st, y = ys[i] * cl - z * sl, near = z * cl + ys[i] * sl;
      const grown = 0.8 / (1 - near * 0.25);
      sx[i] = x * scale * grown + half; sy[i] = middle - y * scale * grown; depth[i] = near;
    }
  };
  const shown = (state, i) => state.only < 0 || state.group[i] === state.only;
  const nearest = (canvas, px, py) => {
    const state = maps.get(canvas), { sx, sy } = state;
    let best = -1, least = 12 ** 2;
    for (let i = 0; i < state.count; i++) {
      const far = (sx[i] - px) ** 2 + (sy[i] - py) ** 2;
      if (far < least && shown(state, i)) { least = far; best = i; }
    }
    return best;
  };
  const tell = (canvas) => {
    const { data, at } = maps.get(canvas);
    part(canvas, "told").textContent = at >= 0 ? data.t[at] : "\u00a0";
  };

  const draw = (canvas) => {
    const ratio = devicePixelRatio || 1, [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    const state = maps.get(canvas);
    canvas.width = width * ratio; canvas.height = height * ratio;
    state.width = canvas.width;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    place(canvas);
    paintOn(pen, canvas, width, height);
  };
  const sizeOf = (state, width) => Math.min(9, (state.count > 20000 ? 1.5 : state.count > 3000 ? (width < 480 ? 2 : 3) : 5) * Math.sqrt(state.zoom));
  const FONT = "13px system-ui, sans-serif";
  // What lies over the points, the same on the screen and in pictures: lines, large points, names.
  const overlay = (pen, state, width, paint) => {
    const { data, sx, sy } = state, lines = [], dots = [], names = [], of = (i) => paint.groups[state.group[i]];
    const small = Math.max(3, sizeOf(state, width) / 2 + 1);
    if (state.found) for (const i of state.found) dots.push({ i, radius: small, colour: of(i), ring: paint.ink, wide: 1 });
    const from = state.near ? state.chosen : data.m.length ? data.m[data.m.length - 1] : -1;
    const ends = state.near ? neighbours(state, from).slice(0, data.measured || data.k) : data.n;
    const dot = (i, radius, colour) => dots.push({ i, radius, colour, ring: paint.card, wide: 1.5 });
    ends.forEach((i, rank) => lines.push({ from, i, torn: data.measured && !state.kept[from * data.measured + rank] }));
    for (const i of ends) dot(i, 4.5, state.near ? of(i) : paint.accent);
    const unnamed = Math.max(0, data.m.length - NAMED);
    for (const i of data.m) if (i !== from) dot(i, 6, state.near ? of(i) : paint.accent);
    if (from >= 0) dot(from, 7, paint.accent);
    if (state.at >= 0 && state.at !== from) dot(state.at, 5, of(state.at));
    // What is chosen or pointed at has its name in any case; of the others, the later ones first, as long as there is room.
    pen.font = FONT;
    const name = (i, must) => {
      const text = data.t[i], brief = text.length > 60 ? text.slice(0, 58) + "…" : text, long = pen.measureText(brief).width;
      const left = Math.max(4, Math.min(sx[i] - long / 2, width - long - 4)), high = sy[i] > 24 ? sy[i] - 12 : sy[i] + 22;
      const clear = (y) => names.every((other) => Math.abs(other.y - y) > 15 || left > other.left + other.long + 3 || left + long + 3 < other.left);
      const y = [0, 16, -16, 32, -32, 48].map((step) => high + step).find(clear);
      if (y !== undefined || must) names.push({ text: brief, left, long, y: y === undefined ? high : y });
    };
    if (from >= 0) name(from, true);
    if (state.at >= 0 && state.at !== from) name(state.at, true);
    for (let rank = data.m.length - 1; rank >= unnamed; rank--) if (data.m[rank] !== from && data.m[rank] !== state.at) name(data.m[rank], false);
    return { lines, dots, names };
  };
  const paintOn = (pen, canvas, width, height) => {
    const state = maps.get(canvas), { sx, sy } = state, paint = colours(canvas);
    const size = sizeOf(state, width), round = state.count <= 3000 && !state.drag;
    const faint = state.found || state.chosen >= 0;
    pen.globalAlpha = faint ? 0.5 : 0.8;
    for (let group = GREY; group >= 0; group--) {
      if (state.only >= 0 && group !== state.only) continue;
      pen.fillStyle = paint.groups[group];
      for (let i = 0; i < state.count; i++) {
        if (state.group[i] !== group) continue;
        const x = sx[i], y = sy[i], wide = state.three ? size * (1 + 0.4 * state.depth[i]) : size;
        if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
        if (round) { pen.beginPath(); pen.arc(x, y, wide / 2 + 1, 0, 7); pen.fill(); }
        else pen.fillRect(x - wide / 2, y - wide / 2, wide, wide);
      }
    }
    pen.globalAlpha = 1;
    const over = overlay(pen, state, width, paint);
    pen.strokeStyle = paint.accent; pen.lineWidth = 1.2;
    for (const { from, i, torn } of over.lines) {
      pen.setLineDash(torn ? [4, 4] : []);
      pen.beginPath(); pen.moveTo(sx[from], sy[from]); pen.lineTo(sx[i], sy[i]); pen.stroke();
    }
    pen.setLineDash([]);
    for (const { i, radius, colour, ring, wide } of over.dots) {
      pen.beginPath(); pen.arc(sx[i], sy[i], radius, 0, 7);
      pen.fillStyle = colour; pen.fill(); pen.strokeStyle = ring; pen.lineWidth = wide; pen.stroke();
    }
    pen.font = FONT; pen.lineWidth = 4; pen.strokeStyle = paint.card; pen.fillStyle = paint.ink;
    for (const { text, left, y } of over.names) { pen.strokeText(text, left, y); pen.fillText(text, left, y); }
  };

  // ---- a chosen point: lines to its true neighbours, and what they are ----

  const neighbours = (state, i) => i < 0 ? [] : Array.from(state.near.subarray(i * state.data.k, (i + 1) * state.data.k));
  const put = (parent, tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    parent.append(made);
    return made;
  };
  const choose = (canvas, i, echo) => {
    const state = maps.get(canvas), { data } = state, side = part(canvas, "side"), say = data.say;
    state.chosen = i;
    left.set(home(canvas), { t: data.t, m: data.m, chosen: i });
    if (!echo) { // maps that stand side by side show the same row
      const all = canvas.closest(".pg-maps");
      if (all) for (const other of all.querySelectorAll(".pg-map canvas")) if (other !== canvas && maps.has(other)) choose(other, i, true);
    }
    side.replaceChildren();
    if (i < 0) { put(side, "p", say.hint, "pg-note"); state.again(); return; }
    const group = data.of[data.gi[i]];
    if (group) put(side, "small", group);
    put(side, "b", data.t[i]);
    let kept = 0;
    const measured = data.measured;
    const list = document.createElement("ol");
    neighbours(state, i).forEach((other, rank) => {
      const near = rank >= measured || state.kept[i * measured + rank];
      if (rank < measured) kept += near;
      const row = put(list, "li", undefined, !near ? "far" : measured && rank >= measured ? "more" : "");
      const button = put(row, "button");
      button.type = "button"; button.dataset.point = other;
      const mark = put(button, "i"); mark.style.background = `var(--map-${state.group[other] === GREY ? 0 : state.group[other] + 1})`;
      put(button, "span", data.t[other]);
      put(row, "small", (state.cos[i * data.k + rank] / 10000).toFixed(3));
    });
    if (measured) put(side, "p", say.trust.replace("{kept}", kept).replace("{of}", measured), "pg-map-trust");
    if (data.k) put(side, "p", measured ? say.neighbours : say.unmeasured, "pg-note");
    side.append(list);
    state.again();
  };
  document.addEventListener("click", (event) => {
    const target = event.target.closest && event.target.closest("[data-point], [data-map], [data-group]");
    const frame = target && target.closest(".pg-map");
    const canvas = frame && frame.querySelector("canvas");
    const state = canvas && maps.get(canvas);
    if (!state) return;
    if (target.dataset.point !== undefined) choose(canvas, Number(target.dataset.point));
    else if (target.dataset.group !== undefined) {
      const group = Number(target.dataset.group);
      state.only = state.only === group ? -1 : group;
      for (const each of frame.querySelectorAll("[data-group]")) each.setAttribute("aria-pressed", String(Number(each.dataset.group) === state.only));
      state.again();
    } else if (target.dataset.map === "all") { Object.assign(state, { zoom: 1, x: 0, y: 0, turn: 0.6, tilt: 0.35 }); state.again(); }
    else if (target.dataset.map === "in" || target.dataset.map === "out")
      zoomAt(canvas, target.dataset.map === "in" ? 1.6 : 1 / 1.6, canvas.clientWidth / 2, canvas.clientHeight / 2);
    else if (target.dataset.map === "png") picture(canvas);
    else if (target.dataset.map === "svg") save(drawing(canvas), "image/svg+xml", "map.svg");
  });
  document.addEventListener("input", (event) => {
    if (!event.target.classList || !event.target.classList.contains("pg-map-find")) return;
    const canvas = event.target.closest(".pg-map").querySelector("canvas"), state = maps.get(canvas);
    const words = event.target.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    state.found = null;
    if (words.length) {
      state.low = state.low || state.data.t.map((each) => each.toLowerCase());
      state.found = [];
      for (let i = 0; i < state.count; i++) if (words.every((word) => state.low[i].includes(word))) state.found.push(i);
    }
    part(canvas, "told").textContent = state.found ? state.data.say.found.replace("{count}", state.found.length) : "\u00a0";
    state.again();
  });
  document.addEventListener("keydown", (event) => { // the first one found
    if (event.key !== "Enter" || !event.target.classList || !event.target.classList.contains("pg-map-find")) return;
    event.preventDefault();
    const canvas = event.target.closest(".pg-map").querySelector("canvas"), { found } = maps.get(canvas);
    if (found && found.length) choose(canvas, found[0]);
  });

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

  // ---- pictures ----

  const save = (content, type, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  // Below a picture of the map: what its colours mean, in as many lines as it takes.
  const legendOf = (pen, data, width, top) => {
    let [x, y] = [12, top + 20];
    pen.font = FONT;
    const items = (data.legend || []).map(([name, colour]) => {
      const text = name.length > 80 ? name.slice(0, 78) + "…" : name, long = pen.measureText(text).width + 18;
      if (x > 12 && x + long > width - 12) { x = 12; y += 20; }
      const item = { text, colour, x: Math.round(x), y };
      x += long + 16;
      return item;
    });
    return { items, bottom: items.length ? y + 12 : top };
  };
  const picture = (canvas) => {
    const made = document.createElement("canvas"), [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const pen = made.getContext("2d"), paint = colours(canvas);
    const legend = legendOf(pen, maps.get(canvas).data, width, height);
    made.width = width * 2; made.height = legend.bottom * 2;
    pen.scale(2, 2);
    pen.fillStyle = paint.card; pen.fillRect(0, 0, width, legend.bottom);
    pen.save();
    pen.beginPath(); pen.rect(0, 0, width, height); pen.clip();
    paintOn(pen, canvas, width, height);
    pen.restore();
    pen.font = FONT;
    for (const { text, colour, x, y } of legend.items) {
      pen.beginPath(); pen.arc(x + 5, y - 4, 5, 0, 7); pen.fillStyle = paint.groups[colour]; pen.fill();
      pen.fillStyle = paint.ink; pen.fillText(text, x + 15, y);
    }
    made.toBlob((blob) => save(blob, "image/png", "map.png"));
  };
  const safe = (text) => text.replace(/[<>&"\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, (each) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" })[each] || "");
  const drawing = (canvas) => {
    const state = maps.get(canvas), { data, sx, sy } = state, paint = colours(canvas), pen = canvas.getContext("2d");
    const [width, height] = [canvas.clientWidth, canvas.clientHeight], radius = (sizeOf(state, width) / 2 + 1).toFixed(1);
    const legend = legendOf(pen, data, width, height), over = overlay(pen, state, width, paint), at = (i) => `${sx[i].toFixed(1)} ${sy[i].toFixed(1)}`;
    const circle = (i, r, fill, more) => `<circle cx="${sx[i].toFixed(1)}" cy="${sy[i].toFixed(1)}" r="${r}" fill="${fill}" ${more}><title>${safe(data.t[i])}</title></circle>`;
    const lines = [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${legend.bottom}" font-family="system-ui, sans-serif" font-size="13">`,
      `<rect width="${width}" height="${legend.bottom}" fill="${paint.card}"/>`, `<svg width="${width}" height="${height}">`];
    const faint = state.found || state.chosen >= 0 ? ".5" : ".8";
    for (let i = 0; i < state.count; i++) if (shown(state, i)) lines.push(circle(i, radius, paint.groups[state.group[i]], `fill-opacity="${faint}"`));
    for (const { from, i, torn } of over.lines)
      lines.push(`<path d="M${at(from)}L${at(i)}" stroke="${paint.accent}" stroke-width="1.2" fill="none"${torn ? ' stroke-dasharray="4 4"' : ""}/>`);
    for (const { i, radius: r, colour, ring, wide } of over.dots) lines.push(circle(i, r, colour, `stroke="${ring}" stroke-width="${wide}"`));
    for (const { text, left, y } of over.names)
      lines.push(`<text x="${left.toFixed(1)}" y="${y.toFixed(1)}" fill="${paint.ink}" stroke="${paint.card}" stroke-width="4" paint-order="stroke">${safe(text)}</text>`);
    lines.push("</svg>");
    for (const { text, colour, x, y } of legend.items)
      lines.push(`<circle cx="${x + 5}" cy="${y - 4}" r="5" fill="${paint.groups[colour]}"/><text x="${x + 15}" y="${y}" fill="${paint.ink}">${safe(text)}</text>`);
    return lines.join("\n") + "\n</svg>\n";
  };

  new MutationObserver(settle).observe(document.documentElement, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["data-key", "width"],
  });
  window.addEventListener("DOMContentLoaded", settle); // a page that is only a map
})();
