/*
 * Songs that are liked or disliked, and maps of many points on a canvas.
 * Data come as JSON in <pre class="pg-data">; whatever is text in them enters the page by textContent or fillText.
 */
(() => {
  "use strict";

  // ---- what is liked: JSON in a box that is not shown ----

  const box = () => document.querySelector("#songs-picks textarea, #songs-picks input");
  const pick = (id, act) => {
    const field = box();
    if (!field) return;
    let told = {};
    try { told = field.value ? JSON.parse(field.value) : shipped(); } catch { /* begin anew */ }
    const without = (list) => (list || []).filter((other) => other !== id);
    const next = { liked: without(told.liked), disliked: without(told.disliked) };
    if (act in next) next[act].push(id);
    field.value = next.liked.length + next.disliked.length ? JSON.stringify(next) : "{}";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  // The example is on the page but not in the box: whoever adds to it adds to what they see.
  const shipped = () => {
    const told = { liked: [], disliked: [] };
    for (const kind of ["liked", "disliked"])
      for (const button of document.querySelectorAll(`#songs-shown li.${kind} [data-song]`)) told[kind].push(button.dataset.song);
    return told;
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-song][data-act]");
    if (button) pick(button.dataset.song, button.dataset.act);
  });

  // ---- maps ----

  const NAMED = 8; // of a whole playlist's songs, the last ones are called by name
  const maps = new WeakMap(); // canvas → its state
  const colours = (canvas) => {
    const style = getComputedStyle(canvas);
    const named = (name) => style.getPropertyValue(name).trim();
    const groups = [];
    for (let place = 1; place <= 12; place++) groups.push(named(`--map-${place}`));
    return { groups: [...groups, named("--map-0")], ink: named("--pg-ink"), accent: named("--pg-accent"), card: named("--pg-card") };
  };

  const begin = (canvas) => {
    const data = JSON.parse(canvas.parentElement.querySelector(".pg-data").textContent);
    const state = { data, zoom: 1, x: data.grain / 2, y: data.grain / 2, at: -1, drag: null, moved: false };
    maps.set(canvas, state);
    const again = () => { if (!state.asked) { state.asked = true; requestAnimationFrame(() => { state.asked = false; draw(canvas); }); } };
    state.again = again;
    new ResizeObserver(again).observe(canvas);
    document.addEventListener("playground:theme", again);
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
        const scale = scaleOf(canvas, state);
        const [dx, dy] = [event.clientX - state.drag.x, event.clientY - state.drag.y];
        if (Math.abs(dx) + Math.abs(dy) > 3) state.moved = true;
        state.x -= dx / scale; state.y += dy / scale;
        state.drag = { x: event.clientX, y: event.clientY };
      } else state.at = nearest(canvas, event.offsetX, event.offsetY);
      tell(canvas); again();
    });
    canvas.addEventListener("pointerup", (event) => {
      state.drag = null;
      if (state.moved) return;
      const at = nearest(canvas, event.offsetX, event.offsetY);
      if (at >= 0) pick(data.id[at], "liked");
    });
    canvas.addEventListener("keydown", (event) => {
      const step = 40 / scaleOf(canvas, state);
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      if (moves[event.key]) { state.x += moves[event.key][0]; state.y += moves[event.key][1]; }
      else if (event.key === "+" || event.key === "=") state.zoom *= 1.4;
      else if (event.key === "-") state.zoom /= 1.4;
      else return;
      event.preventDefault();
      state.at = nearest(canvas, canvas.clientWidth / 2, canvas.clientHeight / 2);
      tell(canvas); again();
    });
    canvas.parentElement.querySelector(".pg-map-tools").addEventListener("click", (event) => {
      const act = event.target.closest("button") && event.target.closest("button").dataset.map;
      if (act === "all") { state.zoom = 1; state.x = state.y = data.grain / 2; again(); }
      else if (act) zoomAt(canvas, act === "in" ? 1.6 : 1 / 1.6, canvas.clientWidth / 2, canvas.clientHeight / 2);
    });
    again();
  };
  const scaleOf = (canvas, state) =>
    (Math.min(canvas.clientWidth, canvas.clientHeight) - 24) / state.data.grain * state.zoom;
  const zoomAt = (canvas, factor, px, py) => {
    const state = maps.get(canvas);
    const before = scaleOf(canvas, state);
    state.zoom = Math.min(Math.max(state.zoom * factor, 0.8), 80);
    const after = scaleOf(canvas, state);
    const [dx, dy] = [px - canvas.clientWidth / 2, canvas.clientHeight / 2 - py];
    state.x += dx / before - dx / after; state.y += dy / before - dy / after;
    state.again();
  };
  const nearest = (canvas, px, py) => {
    const state = maps.get(canvas), { data } = state, scale = scaleOf(canvas, state);
    const x = state.x + (px - canvas.clientWidth / 2) / scale, y = state.y + (canvas.clientHeight / 2 - py) / scale;
    let best = -1, least = (12 / scale) ** 2;
    for (let i = 0; i < data.x.length; i++) {
      const far = (data.x[i] - x) ** 2 + (data.y[i] - y) ** 2;
      if (far < least) { least = far; best = i; }
    }
    return best;
  };
  const tell = (canvas) => {
    const { data, at } = maps.get(canvas);
    canvas.parentElement.querySelector(".pg-map-told").textContent = at >= 0 ? data.t[at] : "\u00a0";
  };
  const draw = (canvas) => {
    const state = maps.get(canvas), { data } = state, ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    canvas.width = width * ratio; canvas.height = height * ratio;
    const pen = canvas.getContext("2d"), scale = scaleOf(canvas, state), paint = colours(canvas);
    pen.scale(ratio, ratio);
    const px = (i) => (data.x[i] - state.x) * scale + width / 2, py = (i) => height / 2 - (data.y[i] - state.y) * scale;
    const small = data.x.length > 20000 ? 1.5 : width < 480 ? 2 : 3;
    const size = Math.min(7, small * Math.sqrt(state.zoom));
    pen.globalAlpha = 0.75;
    for (let group = 12; group >= 0; group--) {
      pen.fillStyle = paint.groups[group];
      for (let i = 0; i < data.x.length; i++) {
        if (data.g[i] !== group) continue;
        const [x, y] = [px(i), py(i)];
        if (x > -9 && y > -9 && x < width + 9 && y < height + 9) pen.fillRect(x - size / 2, y - size / 2, size, size);
      }
    }
    pen.globalAlpha = 1;
    const from = data.m[data.m.length - 1];
    pen.strokeStyle = paint.accent; pen.lineWidth = 1.2;
    for (const i of data.n) { pen.beginPath(); pen.moveTo(px(from), py(from)); pen.lineTo(px(i), py(i)); pen.stroke(); }
    const taken = []; // where names stand already
    const free = (left, y, wide) => {
      const clear = (at) => taken.every((box) => Math.abs(box.y - at) > 15 || left > box.right || left + wide < box.left);
      const at = [0, 16, -16, 32, -32, 48].map((step) => y + step).find(clear) ?? y;
      taken.push({ left, right: left + wide, y: at });
      return at;
    };
    const dot = (i, radius, text) => {
      pen.beginPath(); pen.arc(px(i), py(i), radius, 0, 7);
      pen.fillStyle = paint.accent; pen.fill(); pen.strokeStyle = paint.card; pen.lineWidth = 1.5; pen.stroke();
      if (!text) return;
      pen.font = "13px system-ui, sans-serif"; pen.lineWidth = 4; pen.strokeStyle = paint.card; pen.fillStyle = paint.ink;
      const wide = pen.measureText(text).width, left = Math.max(4, Math.min(px(i) + 9, width - wide - 4));
      const base = free(left, py(i) + 4, wide);
      pen.strokeText(text, left, base); pen.fillText(text, left, base);
    };
    for (const i of data.n) dot(i, 3.5, "");
    const first = Math.max(0, data.m.length - NAMED);
    data.m.forEach((i, place) => dot(i, 6, place >= first ? data.t[i] : ""));
    if (state.at >= 0) dot(state.at, 5, data.t[state.at]);
  };
  new MutationObserver(() => {
    for (const canvas of document.querySelectorAll(".pg-map canvas")) if (!maps.has(canvas)) begin(canvas);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
