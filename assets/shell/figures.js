/*
 * Draws figures (playground/ui/figures.py) with plotly.js, which is fetched when the first of them is seen.
 *
 * Each is a <figure class="pg-figure"> with its data in a <pre class="pg-data">: {figure: plotly's own JSON, more}.
 * Until it is drawn, and where it cannot be, its still picture is seen. One that is left, or goes out of sight,
 * gives back what it took: a browser has sixteen WebGL contexts for the whole page.
 *
 * Kinds add to it: figures.kinds.map = {begin, built, drawn, exported, tool, left} (figures_map.js), each with the
 * figure's state. Text reaches the page by textContent; in plotly's labels it was escaped by the server.
 */
(() => {
  "use strict";
  const AWAY = 4000; // milliseconds out of sight after which a drawing is given back
  const LARGE = 500_000; // characters of data whose reading takes long enough to be seen
  const later = new WeakSet();
  const states = new Map(); // <figure> → its state
  const kinds = {};
  const put = (parent, tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    parent.append(made);
    return made;
  };

  // ---- plotly.js, once ----

  let loading = null;
  const plotly = (address) => {
    if (window.Plotly) return Promise.resolve(window.Plotly);
    loading ||= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = () => done(window.Plotly);
      script.onerror = () => { loading = null; script.remove(); failed(new Error("plotly.js did not come")); };
      document.head.append(script);
    });
    return loading;
  };
  let able; // whether WebGL is there
  const webgl = () => {
    if (able === undefined) {
      const pen = document.createElement("canvas").getContext("webgl");
      able = Boolean(pen);
      if (pen) { const end = pen.getExtension("WEBGL_lose_context"); if (end) end.loseContext(); }
    }
    return able;
  };

  // ---- data: typed arrays from base64, colours from the page ----

  const KINDS = { i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };
  const bytes = (text) => {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text); // ten times as fast, where it is known
    const raw = atob(text), made = new Uint8Array(raw.length);
    for (let n = 0; n < raw.length; n++) made[n] = raw.charCodeAt(n);
    return made;
  };
  const typed = (told) => new KINDS[told.dtype](bytes(told.bdata).buffer);
  const unpacked = (value) => {
    if (!value || typeof value !== "object") return value;
    if (typeof value.bdata === "string") return typed(value);
    if (Array.isArray(value)) return value.length && typeof value[0] !== "object" ? value : value.map(unpacked);
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unpacked(each)]));
  };
  // plotly.js knows no variables of style sheets: what is theirs is put in its place, light or dark as the page is.
  const coloured = (value, style) => {
    if (typeof value === "string") return value.startsWith("var(") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    if (!value || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map((each) => coloured(each, style));
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, coloured(each, style)]));
  };

  // ---- what is on the page ----

  const begin = (el) => {
    const told = JSON.parse(el.querySelector(".pg-data").textContent);
    const state = {
      el, key: el.dataset.key, kind: kinds[el.dataset.figure] || {}, more: unpacked(told.more), spec: unpacked(told.figure),
      frame: el.querySelector(".pg-figure-frame"), plot: null, seen: false, hidden: new Set(), turn: 0,
    };
    states.set(el, state);
    seeing.observe(state.frame);
    sizes.observe(state.frame);
    if (state.kind.begin) state.kind.begin(state);
    pressed(state);
    return state;
  };
  const forget = (state) => {
    purge(state);
    seeing.unobserve(state.frame);
    sizes.unobserve(state.frame);
    states.delete(state.el);
  };
  const purge = (state) => {
    state.turn++; // what is still being drawn is not wanted
    clearTimeout(state.away);
    if (!state.plot) return;
    if (state.kind.left) state.kind.left(state);
    const plot = state.plot;
    state.plot = null;
    state.placed = state.ready = false;
    const pens = [...plot.querySelectorAll("canvas")].map((each) => each.getContext("webgl") || each.getContext("webgl2"));
    if (window.Plotly) window.Plotly.purge(plot);
    for (const pen of pens) { const end = pen && pen.getExtension("WEBGL_lose_context"); if (end) end.loseContext(); }
    plot.remove();
  };
  // Whoever fills a place may keep its elements and change what is in them, or take a drawing away.
  const settle = () => {
    for (const state of [...states.values()]) {
      if (!state.el.isConnected || state.key !== state.el.dataset.key || !state.frame.isConnected) forget(state);
      else if (state.placed && !state.plot.isConnected) { purge(state); draw(state); }
      else if (state.kind.settle) state.kind.settle(state);
    }
    for (const el of document.querySelectorAll(".pg-figure")) {
      if (states.has(el) || later.has(el)) continue;
      const data = el.querySelector(".pg-data").firstChild;
      if (data.length < LARGE) { begin(el); continue; }
      later.add(el); // its still picture first
      requestAnimationFrame(() => requestAnimationFrame(() => { later.delete(el); if (el.isConnected && !states.has(el)) begin(el); }));
    }
  };

  const seeing = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const state = [...states.values()].find((each) => each.frame === entry.target);
      if (!state) continue;
      state.seen = entry.isIntersecting;
      clearTimeout(state.away);
      if (state.seen) draw(state);
      else state.away = setTimeout(() => purge(state), AWAY);
    }
  }, { rootMargin: "150px" });
  const sizes = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const state = [...states.values()].find((each) => each.frame === entry.target);
      if (!state || !state.plot || !state.ready || !entry.contentRect.width) continue;
      requestAnimationFrame(() => {
        if (!state.plot || !state.frame.clientWidth) return;
        window.Plotly.Plots.resize(state.plot).then(() => { if (state.plot && state.kind.resized) state.kind.resized(state); }, () => {}); // hidden meanwhile
      });
    }
  });

  // ---- drawing ----

  const built = (state) => {
    const made = { data: state.spec.data.map((each) => ({ ...each })), layout: { ...state.spec.layout } };
    made.data.forEach((trace, place) => { if (state.hidden.has(place)) trace.visible = false; });
    if (state.kind.built) state.kind.built(state, made);
    const { data, layout } = coloured(made, getComputedStyle(state.frame));
    const ratio = state.more.labels && state.more.labels.length > 3000 ? 1 : Math.min(2, devicePixelRatio || 1);
    const wheel = Boolean(layout.scene || layout.dragmode);
    return { data, layout: { ...layout, autosize: true }, config: { displayModeBar: false, displaylogo: false, responsive: false, scrollZoom: wheel, doubleClick: wheel ? "reset" : false, plotGlPixelRatio: ratio, showTips: false } };
  };
  const draws = (state) => webgl() || !state.spec.data.some((each) => each.type === "scatter3d" || (each.type === "scattergl" && state.more.labels.length > 5000));
  const draw = async (state) => {
    if (state.plot || !state.frame.clientWidth || !draws(state)) return;
    const turn = ++state.turn;
    const plot = (state.plot = document.createElement("div"));
    plot.className = "pg-figure-plot";
    state.ready = false;
    try {
      const Plotly = await plotly(state.el.dataset.plotly);
      if (turn !== state.turn) return;
      state.frame.append(plot);
      state.placed = true;
      const { data, layout, config } = built(state);
      if (!webgl()) for (const trace of data) if (trace.type === "scattergl") trace.type = "scatter";
      await Plotly.newPlot(plot, data, layout, config);
      if (turn !== state.turn) return;
      state.ready = true;
      if (state.kind.drawn) state.kind.drawn(state, Plotly);
      plot.classList.add("ready");
    } catch (error) {
      console.info(error); // the still picture stays, and the table
      if (turn === state.turn) { state.plot = null; state.placed = false; plot.remove(); }
    }
  };
  document.addEventListener("playground:theme", () => {
    for (const state of states.values()) {
      if (!state.plot || !state.ready) continue;
      const { data, layout, config } = built(state);
      window.Plotly.react(state.plot, data, layout, config).then(() => { if (state.plot && state.kind.resized) state.kind.resized(state); });
    }
  });

  // ---- legend: a click hides or shows, a double click shows only this ----

  const buttons = (state) => [...state.el.querySelectorAll(".pg-figure-legend [data-traces]")];
  const traces = (button) => button.dataset.traces.split(",").map(Number);
  const pressed = (state) => { for (const each of buttons(state)) each.setAttribute("aria-pressed", String(!traces(each).every((n) => state.hidden.has(n)))); };
  const switched = (state) => {
    pressed(state);
    if (state.kind.switched) state.kind.switched(state);
    if (!state.plot || !state.ready) return;
    const all = buttons(state).flatMap(traces);
    window.Plotly.restyle(state.plot, { visible: all.map((n) => !state.hidden.has(n)) }, all);
  };
  const stateOf = (node) => { const el = node.closest && node.closest(".pg-figure"); return el && states.get(el); };
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-traces], [data-tool]"), state = button && stateOf(button);
    if (!state) return;
    if (button.dataset.traces) {
      const mine = traces(button), shown = mine.every((n) => !state.hidden.has(n));
      for (const n of mine) if (shown) state.hidden.add(n); else state.hidden.delete(n);
      switched(state);
    } else if (button.dataset.tool === "png" || button.dataset.tool === "svg") picture(state, button.dataset.tool);
    else if (state.kind.tool) state.kind.tool(state, button.dataset.tool);
  });
  document.addEventListener("dblclick", (event) => {
    const button = event.target.closest && event.target.closest("[data-traces]"), state = button && stateOf(button);
    if (!state) return;
    const mine = traces(button), others = buttons(state).flatMap(traces).filter((n) => !mine.includes(n));
    const alone = others.every((n) => state.hidden.has(n));
    state.hidden = new Set(alone ? [] : others);
    switched(state);
  });

  // ---- pictures: what is seen, with its title and its legend ----

  const FONT = "13px system-ui, sans-serif";
  const save = (content, type, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const safe = (text) => text.replace(/[<>&"\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, (each) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" })[each] || "");
  const drawing = async (state) => {
    const Plotly = await plotly(state.el.dataset.plotly);
    const style = getComputedStyle(state.frame), [width, height] = [state.frame.clientWidth, state.frame.clientHeight];
    const made = built(state), now = state.plot && state.ready ? state.plot.layout : null;
    if (now) for (const axis of ["xaxis", "yaxis"]) if (now[axis] && now[axis].range) made.layout[axis] = { ...made.layout[axis], range: [...now[axis].range], autorange: false };
    if (now && now.scene && now.scene.camera) made.layout.scene = { ...made.layout.scene, camera: now.scene.camera };
    if (now && now.shapes) made.layout.shapes = now.shapes;
    if (now && now.scene && now.scene.annotations) made.layout.scene = { ...made.layout.scene, annotations: now.scene.annotations };
    // Points as points: what WebGL draws would be pixels in a picture made of lines.
    if (!state.more.labels || state.more.labels.length <= 5000) for (const trace of made.data) if (trace.type === "scattergl") trace.type = "scatter";
    if (now) now.width = undefined;
    const whole = await Plotly.toImage({ data: made.data, layout: { ...made.layout, autosize: false, width, height }, config: made.config }, { format: "svg", width, height, imageDataOnly: true });
    const inside = whole.slice(whole.indexOf("<svg"));
    const pen = document.createElement("canvas").getContext("2d"), ink = style.getPropertyValue("--pg-ink").trim(), card = style.getPropertyValue("--pg-card").trim();
    pen.font = FONT;
    const title = state.el.querySelector(":scope > h5"), top = title ? 30 : 0;
    let [x, y] = [14, top + height + 22], marks = "";
    for (const button of buttons(state)) {
      if (button.getAttribute("aria-pressed") === "false") continue;
      const name = button.textContent.trim(), brief = name.length > 80 ? name.slice(0, 78) + "…" : name, long = pen.measureText(brief).width + 18;
      if (x > 14 && x + long > width - 12) { x = 14; y += 20; }
      const tone = style.getPropertyValue(button.querySelector("i").style.getPropertyValue("--c").slice(4, -1)).trim();
      marks += button.querySelector("i.dashed") ? `<path d="M${x - 2} ${y - 4}h14" stroke="${tone}" stroke-width="2.5" stroke-dasharray="5 3"/>` : `<circle cx="${x + 5}" cy="${y - 4}" r="5" fill="${tone}"/>`;
      marks += `<text x="${x + 17}" y="${y}" fill="${ink}">${safe(brief)}</text>`;
      x += long + 16;
    }
    const bottom = marks ? y + 12 : top + height;
    const head = title ? `<text x="14" y="20" font-weight="600" fill="${ink}">${safe(title.textContent)}</text>` : "";
    // Names keep their distance from what lies below them, as on the page.
    const haloed = inside.replace(/<(g|text) class="(shape-label|annotation-text)"/g, `<$1 class="$2" paint-order="stroke" stroke="${card}" stroke-width="4" stroke-linejoin="round"`);
    return {
      width, height: bottom,
      svg: `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${bottom}" viewBox="0 0 ${width} ${bottom}" font-family="system-ui, sans-serif" font-size="13">` +
        `<rect width="${width}" height="${bottom}" fill="${card}"/>${head}<g transform="translate(0 ${top})">${haloed}</g>${marks}</svg>\n`,
    };
  };
  const picture = async (state, format) => {
    const { svg, width, height } = await drawing(state), name = state.el.dataset.figure;
    if (format === "svg") return save(svg, "image/svg+xml", `${name}.svg`);
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * width, 2 * height];
    canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
    URL.revokeObjectURL(image.src);
    canvas.toBlob((blob) => save(blob, "image/png", `${name}.png`));
  };

  window.playground = window.playground || {};
  window.playground.figures = { kinds, states, stateOf, put, coloured, draw, picture };
  let asked = false;
  const soon = () => { if (!asked) { asked = true; queueMicrotask(() => { asked = false; settle(); }); } };
  new MutationObserver(soon).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-key"] });
  window.addEventListener("DOMContentLoaded", settle); // a page that is only a figure
})();
