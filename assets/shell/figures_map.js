/*
 * What maps add to figures: a chosen point with lines to its true neighbours, names, tools, the keyboard. What is chosen
 * and selected is told by map_chosen.js.
 *
 * A map's data besides plotly's: labels, marked (points drawn large), clusters (colour, name, place of each group's
 * name). Either id (a click is told to a room's script, `playground:point` with {id, label, from}), or k true neighbours
 * a point: near, cosines (in ten thousandths), kept (1 where the neighbour is near on the map, too; of so many as
 * "measured" says, which may be none); then a click chooses a point. named: points that are called by name.
 * A room lays its own over a map by kinds.map.layers: {begun(state), drawn(state), over(state, tools)}, and asks for
 * that anew by kinds.map.again(state). `playground:map` is dispatched on a map that begins, and bubbles.
 * What lies over the points is shapes of plotly's: they are drawn anew in a frame, without the points.
 */
(() => {
  "use strict";
  const { kinds, states, stateOf, put, coloured } = window.playground.figures;
  const own = (window.playground.figures.map = {}); // what map_chosen.js builds with, and what it adds
  const NAMED = 8; // of a whole playlist's songs, the last ones are called by name
  const RINGED = 3000; // of what is found, marked by rings; more by diamonds
  const pen = document.createElement("canvas").getContext("2d");
  const part = (state, name) => state.el.querySelector(`.pg-map-${name}`);
  const place = (state, i) => state.at.map((axis) => axis[i]);

  const begin = (state) => {
    const { more, spec } = state, count = more.labels.length;
    state.at = Array.from({ length: more.d }, () => new Float64Array(count));
    state.trace = new Uint8Array(count);
    state.points = []; // traces of points; the others are lines and marks of three dimensions
    spec.data.forEach((trace, number) => {
      state.points.push(number);
      const rows = trace.customdata;
      for (let n = 0; n < rows.length; n++) {
        state.trace[rows[n]] = number;
        for (let axis = 0; axis < more.d; axis++) state.at[axis][rows[n]] = trace["xyz"[axis]][n];
      }
    });
    Object.assign(state, { near: more.near || null, chosen: -1, over: -1, found: null, selected: [], low: null, mode: "pan", size: 1 });
    const last = left.get(home(state)); // the same once more: as it was seen
    if (last && last.key === state.key) Object.assign(state, { ranges: last.ranges, camera: last.camera });
    own.begun(state);
    if (state.near) own.choose(state, before(state), true);
    for (const layer of layers) layer.begun(state);
    state.el.dispatchEvent(new CustomEvent("playground:map", { bubbles: true }));
  };
  const layers = [];
  // What was chosen stays chosen when the same rows are drawn anew, be it in the same element or in another.
  const left = new WeakMap(); // the map's place on the page → {key, labels, marked, chosen, ranges, camera}
  const home = (state) => state.home || (state.home = state.el.parentElement.closest("[id]") || document.body);
  const remember = (state) => {
    const { key, more, chosen, ranges, camera } = state;
    left.set(home(state), { key, labels: more.labels, marked: more.marked, chosen, ranges, camera });
  };
  const before = (state) => {
    const { labels, marked, named } = state.more, last = left.get(home(state)), mine = marked.length && !named ? marked[marked.length - 1] : -1;
    const same = last && last.labels.length === labels.length && last.labels.every((each, i) => each === labels[i])
      && (mine < 0 || mine === last.marked[last.marked.length - 1]);
    return same ? last.chosen : mine;
  };
  // The same data drawn anew: the drawing stays as it is, but what was written beside it is gone.
  const settle = (state) => {
    const side = state.near && part(state, "side");
    if (side && !side.childElementCount) own.choose(state, state.chosen, true);
  };

  // ---- what lies over the points ----

  const neighbours = (state, i) => (i < 0 ? [] : Array.from(state.near.subarray(i * state.more.k, (i + 1) * state.more.k)));
  const joined = (state) => {
    const { more, chosen } = state;
    if (chosen < 0) return [];
    return neighbours(state, chosen).slice(0, more.measured || more.k).map((to, rank) => ({ to, torn: Boolean(more.measured && !more.kept[chosen * more.measured + rank]) }));
  };
  const tone = (state, i) => { const trace = state.spec.data[state.trace[i]]; return trace.marker ? trace.marker.color : "var(--map-0)"; };
  const shown = (state, i) => !state.hidden.has(state.trace[i]);
  // Where a point is in the frame, in pixels, and how many units a pixel is.
  const view = (state) => {
    const [width, height] = [state.frame.clientWidth, state.frame.clientHeight], full = state.plot._fullLayout;
    const [left_, right] = full.xaxis.range, [low, high] = full.yaxis.range;
    return { width, height, unit: (right - left_) / width, x: (value) => ((value - left_) / (right - left_)) * width, y: (value) => height - ((value - low) / (high - low)) * height };
  };
  const pixels = { xsizemode: "pixel", ysizemode: "pixel" };
  const shapes = (state) => {
    const { more, chosen } = state, made = [], names = [], seen = view(state);
    const dot = (i, r, fill, line, width) => {
      const [xanchor, yanchor] = place(state, i);
      made.push({ type: "circle", ...pixels, xanchor, yanchor, x0: -r, x1: r, y0: -r, y1: r, fillcolor: fill, line: { color: line, width } });
    };
    if (state.found && state.found.length) {
      // One path for all: rings, or of very many, diamonds.
      const radius = seen.unit * 6, corners = state.found.length > RINGED ? 4 : 10;
      const steps = Array.from({ length: corners }, (_, n) => [radius * Math.sin((2 * Math.PI * n) / corners), radius * Math.cos((2 * Math.PI * n) / corners)]);
      const path = state.found.filter((i) => shown(state, i)).map((i) => steps.map(([dx, dy], n) => `${n ? "L" : "M"}${Math.round(state.at[0][i] + dx)},${Math.round(state.at[1][i] + dy)}`).join("") + "Z").join("");
      if (path) made.push({ type: "path", path, line: { color: "var(--pg-ink)", width: 1.6 }, fillcolor: "rgba(0,0,0,0)" });
    }
    for (const { to, torn } of joined(state)) {
      const [x0, y0] = place(state, chosen), [x1, y1] = place(state, to);
      made.push({ type: "line", x0, y0, x1, y1, line: { color: "var(--pg-accent)", width: 1.4, dash: torn ? "dash" : "solid" } });
    }
    for (const { to } of joined(state)) dot(to, 4.5, tone(state, to), "var(--pg-card)", 1.5);
    for (const i of more.marked) if (i !== chosen && shown(state, i)) dot(i, 6, tone(state, i), more.named ? "var(--pg-ink)" : "var(--pg-card)", 1.5);
    if (chosen >= 0) dot(chosen, 7, "var(--pg-accent)", "var(--pg-card)", 1.5);
    if (state.over >= 0 && state.over !== chosen) dot(state.over, 6, tone(state, state.over), "var(--pg-ink)", 1.5);
    // What is chosen is named in any case; of the others, the first ones, as long as there is room. A name stands over
    // its point or below it; that of a group on it; where all points have names, beside it as well.
    const name = (text, at, { must, colour, size = 13, weight = 400, away = 15, beside = false }) => {
      pen.font = `${weight} ${size}px system-ui, sans-serif`;
      while (text.length > 4 && pen.measureText(text).width > seen.width - 12) text = text.slice(0, -4).trimEnd() + "…";
      const long = pen.measureText(text).width, [px, py] = [seen.x(at[0]), seen.y(at[1])];
      if (px < 0 || py < 0 || px > seen.width || py > seen.height) return;
      const middle = Math.max(4, Math.min(px - long / 2, seen.width - long - 4)) - px;
      const ways = (away ? [-away, away, -away - 16, away + 16, -away - 32] : [0, -17, 17]).map((y) => [middle, y]);
      if (beside) { const far = weight > 400 ? 11 : 8; ways.unshift([far, 0], [-long - far, 0]); }
      const clear = ([left, y]) => px + left > 1 && px + left + long < seen.width - 1 && py + y > 8 && py + y < seen.height - 8
        && names.every((other) => Math.abs(other.y - py - y) > 15 || px + left > other.start + other.long + 3 || px + left + long + 3 < other.start);
      const way = ways.find(clear);
      if (!way && !must) return;
      const [left, y] = way || ways[0], x = left + long / 2;
      names.push({ start: px + left, long, y: py + y });
      made.push({ type: "line", ...pixels, xanchor: at[0], yanchor: at[1], x0: x, x1: x, y0: -y, y1: -y, line: { width: 0 },
        label: { text: plain(text), textangle: 0, textposition: "middle", xanchor: "center", yanchor: "middle", padding: 0, font: { size, weight, color: colour } } });
    };
    if (chosen >= 0) name(short(more.labels[chosen]), place(state, chosen), { must: true, colour: "var(--pg-ink)", weight: 600 });
    for (const layer of layers) layer.over(state, { made, dot, name, seen });
    const bold = new Set(more.marked), said = new Set();
    for (const i of more.named || []) {
      if (i === chosen) continue;
      const once = [more.labels[i], Math.round(seen.x(state.at[0][i]) / 8), Math.round(seen.y(state.at[1][i]) / 8)].join();
      if (said.has(once) || !shown(state, i)) continue; // equal names at one place are written once
      said.add(once);
      name(short(more.labels[i]), place(state, i), { colour: "var(--pg-ink)", weight: bold.has(i) ? 700 : 400, away: 14, beside: true });
    }
    for (const i of more.named ? [] : more.marked.slice(-NAMED).reverse()) if (i !== chosen) name(short(more.labels[i]), place(state, i), { colour: "var(--pg-ink)" });
    if (seen.width > 420) for (const [colour, text, ...at] of clusters(state)) name(text, at, { colour: `var(--map-${colour})`, weight: 700, away: 0 });
    return made;
  };
  // The names of groups that are shown.
  const clusters = (state) => state.more.clusters.filter(([colour]) => !state.hidden.has(state.spec.data.findIndex((each) => each.marker && each.marker.color === `var(--map-${colour})`)));
  const short = (text) => (text.length > 60 ? text.slice(0, 58) + "…" : text);
  const plain = (text) => text.replace(/[\u0000-\u001f\u007f]+/g, " ").replace(/[&<>]/g, (each) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[each]);
  const style = (state) => getComputedStyle(state.frame);
  const again = (state) => {
    if (!state.plot || !state.ready || state.asked) return;
    state.asked = true;
    requestAnimationFrame(() => {
      state.asked = false;
      if (!state.plot || !state.ready || !state.frame.clientWidth) return;
      if (state.more.d === 3) return overSpace(state);
      state.own = true; // no news for ourselves
      window.Plotly.relayout(state.plot, { shapes: coloured(shapes(state), style(state)) }).finally(() => { state.own = false; });
    });
  };
  // In three dimensions: three traces after those of points, and names that turn along.
  const extra = (state) => {
    const lines = { solid: [[], [], []], dash: [[], [], []] }, dots = [[], [], []], colours = [], { chosen } = state;
    const add = (to, i) => place(state, i).forEach((value, axis) => to[axis].push(value));
    for (const { to, torn } of joined(state)) {
      const line = lines[torn ? "dash" : "solid"];
      add(line, chosen); add(line, to); line.forEach((axis) => axis.push(null));
    }
    const dot = (i, colour) => { add(dots, i); colours.push(colour); };
    for (const { to } of joined(state)) dot(to, tone(state, to));
    for (const i of state.found || []) dot(i, "var(--pg-ink)");
    for (const i of state.more.marked) dot(i, tone(state, i));
    if (chosen >= 0) dot(chosen, "var(--pg-accent)");
    const trace = ([x, y, z], more) => ({ type: "scatter3d", x, y, z, hoverinfo: "skip", showlegend: false, ...more });
    return [
      ...["solid", "dash"].map((dash) => trace(lines[dash], { mode: "lines", line: { color: "var(--pg-accent)", width: 3, dash } })),
      trace(dots, { mode: "markers", marker: { size: 6, color: colours.length ? colours : "var(--pg-accent)", line: { width: 1, color: "var(--pg-card)" } } }),
    ];
  };
  const spaceNames = (state) => {
    const { more, chosen } = state, named = [];
    const name = (text, [x, y, z], color, weight) => named.push({ text: plain(text), x, y, z, showarrow: false, yshift: 14, font: { size: 13, color, weight } });
    if (chosen >= 0) name(short(more.labels[chosen]), place(state, chosen), "var(--pg-ink)", 600);
    for (const i of more.marked.slice(-NAMED)) if (i !== chosen) name(short(more.labels[i]), place(state, i), "var(--pg-ink)", 400);
    if (state.frame.clientWidth > 420) for (const [colour, text, ...at] of clusters(state)) name(text, at, `var(--map-${colour})`, 700);
    return named;
  };
  const overSpace = (state) => {
    const made = coloured(extra(state), style(state)), first = state.points.length;
    const value = (name) => made.map((each) => each[name]);
    const colours = made.map((each) => (each.marker ? each.marker.color : undefined));
    window.Plotly.update(state.plot, { x: value("x"), y: value("y"), z: value("z"), "marker.color": colours },
      { "scene.annotations": coloured(spaceNames(state), style(state)) }, [first, first + 1, first + 2]);
  };

  // ---- drawing ----

  const built = (state, made) => {
    if (state.more.d === 3) {
      made.data.push(...extra(state));
      made.layout.scene = { ...made.layout.scene, annotations: spaceNames(state), ...(state.camera ? { camera: state.camera } : {}) };
    } else {
      if (state.ranges) ["xaxis", "yaxis"].forEach((axis, n) => { made.layout[axis] = { ...made.layout[axis], range: state.ranges[n] }; });
      made.layout.dragmode = state.mode;
      if (state.plot && state.ready) made.layout.shapes = shapes(state);
    }
  };
  const left_ = (state) => { // it is drawn again as it was left
    const { layout } = state.plot;
    if (!state.ready || !layout) return;
    if (state.more.d === 3) state.camera = layout.scene && layout.scene.camera;
    else state.ranges = [layout.xaxis.range.slice(), layout.yaxis.range.slice()];
    remember(state);
    tip(state, -1);
  };
  const drawn = (state) => {
    const { plot, more } = state;
    plot.on("plotly_hover", ({ points: [point] }) => { if (point && point.customdata !== undefined) tip(state, point.customdata); });
    plot.on("plotly_unhover", () => tip(state, -1));
    plot.on("plotly_click", ({ points: [point] }) => {
      if (!point || point.customdata === undefined) return;
      state.hit = performance.now();
      if (state.near) own.choose(state, point.customdata);
      else if (!more.named) pointed(state, point.customdata);
    });
    plot.on("plotly_selected", (event) => own.selected(state, event && event.points ? event.points.map((each) => each.customdata) : []));
    plot.on("plotly_deselect", () => own.selected(state, []));
    plot.on("plotly_relayout", (what) => {
      if (state.own || "shapes" in what || more.d === 3) return;
      grown(state);
      again(state);
    });
    for (const layer of layers) layer.drawn(state);
    again(state);
  };
  const pointed = (state, i) => document.dispatchEvent(new CustomEvent("playground:point", { detail: { id: state.more.id[i], label: state.more.labels[i], from: state.frame } }));
  // Points of a map that is seen closely are larger: they can be hit.
  const grown = (state) => {
    const seen = view(state), zoom = (2 * state.more.edge) / Math.min(seen.width, seen.height) / seen.unit;
    const size = Math.max(1, Math.min(3, Math.round(Math.sqrt(zoom))));
    if (size === state.size) return;
    state.size = size;
    const numbers = state.points.filter((n) => state.spec.data[n].marker);
    window.Plotly.restyle(state.plot, { "marker.size": numbers.map((n) => state.spec.data[n].marker.size * (0.5 + size / 2)) }, numbers);
  };
  const title = (state, i) => (state.more.titles && state.more.titles[i]) || state.more.labels[i];
  const groupOf = (state, i) => (state.more.of ? state.more.of[state.more.groups[i]] : (state.spec.data[state.trace[i]].name || "").replace(/&(lt|gt|amp);/g, (_, each) => ({ lt: "<", gt: ">", amp: "&" })[each]));
  const tip = (state, i) => {
    if (state.over === i) return;
    state.over = i;
    let box = state.frame.querySelector(":scope > .pg-map-tip");
    if (i < 0) { if (box) box.remove(); return; }
    if (!box) box = put(state.frame, "div", undefined, "pg-map-tip");
    box.replaceChildren();
    put(box, "span", title(state, i)).dir = "auto";
    const group = groupOf(state, i);
    if (group && !state.more.titles?.length) put(box, "small", group).dir = "auto";
    const at = state.pointer || [state.frame.clientWidth / 2, 40];
    const [wide, high] = [box.offsetWidth, box.offsetHeight];
    box.style.left = `${Math.max(4, Math.min(at[0] + 14, state.frame.clientWidth - wide - 4))}px`;
    box.style.top = `${at[1] + high + 22 > state.frame.clientHeight ? Math.max(4, at[1] - high - 10) : at[1] + 16}px`;
  };
  document.addEventListener("pointermove", (event) => {
    const frame = event.target.closest && event.target.closest(".pg-map .pg-figure-frame"), state = frame && stateOf(frame);
    if (!state) return;
    const box = frame.getBoundingClientRect();
    state.pointer = [event.clientX - box.left, event.clientY - box.top];
  }, true);

  // ---- tools and keys ----

  const moved = (state, dx, dy, factor) => {
    if (!state.plot || !state.ready) return;
    if (state.more.d === 3) {
      const camera = JSON.parse(JSON.stringify(state.plot._fullLayout.scene.camera)), { x, y, z } = camera.eye;
      const turn = dx * 1.2, radius = Math.hypot(x, y), up = Math.atan2(z, radius) + dy * 0.8, far = Math.hypot(radius, z) / factor;
      const at = Math.atan2(y, x) - turn, tilt = Math.max(-1.5, Math.min(1.5, up));
      camera.eye = { x: far * Math.cos(tilt) * Math.cos(at), y: far * Math.cos(tilt) * Math.sin(at), z: far * Math.sin(tilt) };
      window.Plotly.relayout(state.plot, { "scene.camera": camera });
      return;
    }
    const { xaxis, yaxis } = state.plot._fullLayout, change = {};
    for (const [name, [low, high], step] of [["xaxis", xaxis.range, dx], ["yaxis", yaxis.range, dy]]) {
      const middle = (low + high) / 2 + step * (high - low), half = (high - low) / 2 / factor;
      change[`${name}.range`] = [middle - half, middle + half];
    }
    window.Plotly.relayout(state.plot, change);
  };
  const tool = (state, name) => {
    if (name === "in" || name === "out") moved(state, 0, 0, name === "in" ? 1.6 : 1 / 1.6);
    else if (name === "all") {
      state.ranges = state.camera = null;
      if (!state.plot || !state.ready) return;
      const { layout } = state.spec;
      if (state.more.d === 3) window.Plotly.relayout(state.plot, { "scene.camera": layout.scene.camera });
      else window.Plotly.relayout(state.plot, { "xaxis.range": layout.xaxis.range.slice(), "yaxis.range": layout.yaxis.range.slice() });
    } else {
      state.mode = { pan: "pan", box: "select", lasso: "lasso" }[name];
      for (const each of state.el.querySelectorAll("[data-tool][aria-pressed]")) each.setAttribute("aria-pressed", String(each.dataset.tool === name));
      if (state.plot && state.ready) window.Plotly.relayout(state.plot, { dragmode: state.mode });
    }
  };
  // The point nearest to the middle of what is seen.
  const middle = (state) => {
    if (state.more.d === 3 || !state.plot || !state.ready) return -1;
    const { xaxis, yaxis } = state.plot._fullLayout, [x, y] = [xaxis, yaxis].map(({ range }) => (range[0] + range[1]) / 2);
    let best = -1, least = Infinity;
    for (let i = 0; i < state.more.labels.length; i++) {
      const far = (state.at[0][i] - x) ** 2 + (state.at[1][i] - y) ** 2;
      if (far < least && shown(state, i)) { least = far; best = i; }
    }
    return best;
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target, state = target.closest && target.closest(".pg-map") && stateOf(target);
    if (!state) return;
    if (target.classList.contains("pg-map-find")) { // the first one found
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (state.found && state.found.length) own.choose(state, state.found[0]);
      return;
    }
    if (!target.classList.contains("pg-figure-frame") || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (move) moved(state, move[0], move[1], 1);
    else if (event.key === "+" || event.key === "=" || event.key === "-") moved(state, 0, 0, event.key === "-" ? 1 / 1.4 : 1.4);
    else if (event.key === "Escape") { own.cleared(state); if (state.near) own.choose(state, -1); }
    else if (event.key === "Enter") {
      const i = middle(state);
      if (state.near) own.choose(state, i);
      else if (i >= 0 && !state.more.named) pointed(state, i);
    } else return;
    event.preventDefault();
    const i = middle(state);
    if (i >= 0 && event.key !== "Escape") part(state, "told").textContent = title(state, i);
  });

  Object.assign(own, { part, neighbours, tone, groupOf, view, again, remember, pointed });
  kinds.map = { begin, built, drawn, tool, settle, left: left_, resized: again, switched: again, again, layers };
})();
