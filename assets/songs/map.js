/*
 * What is marked on the map of songs (figures_map.js draws the songs themselves): you, at the mean of what is liked,
 * what is liked and disliked, rings around the ten that are recommended, or the walk while that view is open.
 *
 * The place songs-you is answered with {of, you: [x, y] in the map's own numbers, and ids: liked, disliked, ten, walk}.
 * A map and its marks are each answered by themselves: they belong together if both are of the same (data-of).
 */
(() => {
  "use strict";
  const page = window.playground;
  const { kinds, states } = page.figures;
  const still_ = matchMedia("(prefers-reduced-motion: reduce)");
  const TIME = 450; // milliseconds that you are on your way
  const FEW = 8; // liked songs with a line to you, and with a name
  const NAMED = 0.5; // of the whole map's width: seen so closely, the ten have names
  const SPOT = 24; // pixels within which the ten are one spot
  const CLEAR = "rgba(0,0,0,0)";
  const SIDE = 1000; // the still picture's half width

  let marks = null, at = null, around = false, moving = 0, coloured = "";

  const words = () => JSON.parse(document.querySelector("#songs-you .pg-data").textContent);
  const home = (state) => state.el.closest(".song-map");
  const fits = (state) => Boolean(marks && home(state) && home(state).dataset.of === marks.of);
  const maps = () => [...states.values()].filter((state) => state.at && fits(state));
  const walks = () => page.store.view() === "songs/walk" && marks.walk.length > 1;
  const rows = (state, ids) => {
    state.songs ||= new Map(state.more.id.map((id, i) => [id, i]));
    return ids.map((id) => state.songs.get(id)).filter((i) => i !== undefined);
  };
  const extent = (values) => (values.length ? Math.max(...values) - Math.min(...values) : 0);
  const place = (state, i) => [state.at[0][i], state.at[1][i]];

  // ---- over the map ----

  const pixels = { xsizemode: "pixel", ysizemode: "pixel" };
  const line = (from, to, more) => ({ type: "line", x0: from[0], y0: from[1], x1: to[0], y1: to[1], line: { color: "var(--pg-accent)", width: 1.4, ...more } });
  const sign = ([xanchor, yanchor], path, more) => ({ type: "path", ...pixels, xanchor, yanchor, path, ...more });
  const over = (state, { made, dot, name, seen }) => {
    if (!fits(state)) return;
    const liked = rows(state, marks.liked), ten = rows(state, marks.ten), path = walks() ? rows(state, marks.walk) : [];
    const called = (i, more = {}) => name(state.more.labels[i], place(state, i), { colour: "var(--pg-ink)", ...more });
    for (let n = 1; n < path.length; n++) made.push(line(place(state, path[n - 1]), place(state, path[n]), { width: 2.5 }));
    if (at && !path.length) for (const i of liked.slice(-FEW)) made.push(line(at, place(state, i), { dash: "dot" }));
    const close = seen.unit * seen.width < NAMED * 2 * state.more.edge;
    const spread = Math.max(0, ...[0, 1].map((axis) => extent(ten.map((i) => state.at[axis][i])))) / seen.unit;
    if (!path.length) for (const i of ten) dot(i, spread < SPOT ? 14 : 7, CLEAR, "var(--pg-ink)", 1.6); // around you, where all are one spot
    for (const i of path) dot(i, 5, "var(--pg-card)", "var(--pg-accent)", 2);
    for (const i of liked) dot(i, 6, "var(--pg-accent)", "var(--pg-card)", 1.5);
    for (const i of rows(state, marks.disliked)) made.push(sign(place(state, i), "M-5,-5L5,5M5,-5L-5,5", { line: { color: "var(--pg-warn)", width: 3 } }));
    if (at) {
      made.push(sign(at, "M0,11L10,0L0,-11L-10,0Z", { fillcolor: "var(--pg-ink)", line: { color: "var(--pg-card)", width: 2 } }));
      name(words().you, at, { must: true, colour: "var(--pg-ink)", weight: 700, away: 20 });
      name("\u00a0\u00a0\u00a0", at, { must: true, colour: CLEAR, away: 0 }); // no other name stands on it
    }
    for (const i of liked.slice(-FEW).reverse()) called(i, { weight: 600, away: close ? 15 : 26 });
    if (path.length || close) for (const i of path.length ? path : ten) if (!liked.includes(i)) called(i, { beside: true });
  };

  // ---- over the picture that is seen until then ----

  const svg = (tag, values) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
    return made;
  };
  const pictured = (state) => {
    const picture = state.el.querySelector(".pg-map-still");
    if (!picture || state.ready) return;
    const old = picture.querySelector(".song-over"), all = svg("g", { class: "song-over" });
    if (old) old.remove();
    if (!fits(state)) return;
    const spot = ([x, y]) => [Math.round((x / state.more.edge) * SIDE), Math.round((-y / state.more.edge) * SIDE)];
    const round = (i, kind) => { const [cx, cy] = spot(place(state, i)); all.append(svg("circle", { cx, cy, r: kind === "ten" ? 44 : 20, class: kind })); };
    for (const i of rows(state, marks.ten)) round(i, "ten");
    for (const i of rows(state, marks.liked)) round(i, "liked");
    if (at) { const [x, y] = spot(at); all.append(svg("path", { d: `M${x} ${y - 36}l32 36l-32 36l-32 -36Z`, class: "you" })); }
    picture.append(all);
  };

  // ---- when it changes ----

  const draw = (state) => { pictured(state); kinds.map.again(state); };
  const move = (to, anew) => {
    cancelAnimationFrame(moving);
    const from = at, since = performance.now();
    const step = () => {
      const share = Math.min(1, (performance.now() - since) / TIME), eased = 1 - (1 - share) ** 3;
      at = from.map((value, axis) => value + (to[axis] - value) * eased);
      maps().forEach(draw);
      if (share < 1) moving = requestAnimationFrame(step);
    };
    if (from && to && !anew && !still_.matches && maps().some((state) => state.ready)) { step(); return; }
    at = to;
    maps().forEach(draw);
  };
  const zoom = (state) => { // you, what is liked and the ten, or the walk, as large as they get
    if (!state.plot || !state.ready || !fits(state)) return;
    const all = [...(at && marks.you ? [marks.you] : []), ...rows(state, [...marks.liked, ...(walks() ? marks.walk : marks.ten)]).map((i) => place(state, i))];
    if (!all.length) return;
    const ends = [0, 1].map((axis) => { const on = all.map((each) => each[axis]); return [Math.min(...on), Math.max(...on)]; });
    const half = Math.max(0.02 * state.more.edge, ...ends.map(([low, high]) => 0.65 * (high - low)));
    const [x, y] = ends.map(([low, high]) => [(low + high) / 2 - half, (low + high) / 2 + half]);
    window.Plotly.relayout(state.plot, { "xaxis.range": x, "yaxis.range": y });
  };
  // A group that is liked has a colour, however small it is: the map is made anew, once for what is liked.
  const grey = (state) => {
    const key = JSON.stringify(marks.liked);
    const some = rows(state, marks.liked).some((i) => state.spec.data[state.trace[i]].marker.color === "var(--map-0)");
    if (!some || coloured === key) return;
    coloured = key;
    page.runs.ask("songs/map");
  };
  const settled = (state) => {
    draw(state);
    if (around) zoom(state);
  };
  document.addEventListener("playground:data", ({ detail }) => {
    if (detail.place !== "songs-you") return;
    const anew = !marks || marks.of !== detail.value.of;
    marks = detail.value;
    move(marks.you, anew);
    for (const state of maps()) {
      if (around) zoom(state);
      grey(state);
    }
  });
  page.store.watchView((view) => { if (marks && view.startsWith("songs/")) maps().forEach(settled); });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest && target.closest(".song-around");
    if (!button) return;
    around = !around;
    button.setAttribute("aria-pressed", String(around));
    for (const state of maps()) if (around) zoom(state); else kinds.map.tool(state, "all");
  });

  kinds.map.layers.push({
    over,
    begun: (state) => {
      if (!home(state)) return;
      home(state).querySelector(".song-around").setAttribute("aria-pressed", String(around));
      pictured(state);
      if (fits(state)) grey(state);
    },
    drawn: (state) => { if (around && home(state)) zoom(state); },
  });
})();
