/*
 * Where everything of the drawing stands: plain arithmetic, from the scene (playground/rooms/architecture/drawing.py)
 * and the room there is to boxes, lines and handles in pixels at scale 1. Nothing here touches the page.
 *
 * At the left the whole model as a column, to scale; beside it one layer, opened. Its stream runs through: along the
 * top where there is room, else down the left; each half reads from it, and is added back to it. In a box the filled
 * part is its parameters, to the layer's scale: what is small keeps a frame that can be read and pressed.
 */
(() => {
  "use strict";
  const page = window.playground;
  const architecture = (page.architecture ||= {});

  const WIDE = 640; // from here on the halves of a layer stand side by side
  const LEAST = { row: 46, small: 30, box: 64, slice: 24, half: 246 };
  const ORDER = ["funnel", "tie", "stream", "arrow", "read", "write", "dot", "plus"]; // what is drawn later lies over it
  const LANE = 26; // beside the boxes of a half: where its lines go down and up

  const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
  const sum = (list, of) => list.reduce((total, each) => total + of(each), 0);

  // Widths of boxes side by side: by their parameters, none too narrow to be read.
  const widths = (row, width) => {
    const gaps = 8 * (row.length - 1), whole = sum(row, (box) => box.n), free = width - gaps;
    if (row.length === 1) return [width];
    if (!whole || free < LEAST.box * row.length) return row.map(() => free / row.length);
    const small = row.map((box) => (box.n / whole) * free < LEAST.box), least = sum(small, (each) => (each ? LEAST.box : 0));
    const rest = sum(row.filter((_, i) => !small[i]), (box) => box.n);
    return row.map((box, i) => (small[i] ? LEAST.box : (box.n / rest) * (free - least)));
  };

  // Where a row is too narrow for its largest box to be the largest, that stands above the others.
  const split = (row, width) => {
    const whole = sum(row, (box) => box.n), most = Math.max(...row.map((box) => box.n)), at = row.findIndex((box) => box.n === most);
    if (row.length < 3 || !whole || widths(row, width)[at] > 0.75 * (most / whole) * width) return [row];
    return [[row[at]], row.filter((_, i) => i !== at)];
  };

  // Heights by parameters in a given height, none less than can be pressed: what is left is shared by the others.
  const heights = (slices, height) => {
    const least = slices.map((each) => (each.tied ? LEAST.slice + 6 : LEAST.slice));
    let fixed = new Set();
    for (;;) {
      const left = height - sum([...fixed], (i) => least[i]), whole = sum(slices.filter((_, i) => !fixed.has(i)), (each) => each.n);
      const scale = whole ? left / whole : 0;
      const more = slices.map((_, i) => i).filter((i) => !fixed.has(i) && slices[i].n * scale < least[i]);
      if (!more.length || fixed.size + more.length === slices.length) return { scale, heights: slices.map((each, i) => (fixed.has(i) ? least[i] : Math.max(each.n * scale, least[i]))) };
      fixed = new Set([...fixed, ...more]);
    }
  };

  const column = (scene, x, y, width, height) => {
    const { scale, heights: found } = heights(scene.slices, height);
    let at = y;
    return scene.slices.map((box, i) => {
      const made = { box, x, y: at, w: width, h: found[i] - 2, fill: Math.min(box.n * scale, found[i] - 2), slice: true };
      at += found[i];
      return made;
    });
  };

  // The rows of one half, from the top: boxes, and arrows between them.
  const rows = (half, x, y, width, scale) => {
    const boxes = [], lines = [];
    let at = y, ends = [];
    half.rows.flatMap((row) => split(row, width).map((part, i) => [part, i > 0])).forEach(([row, more], i) => {
      const wide = widths(row, width), small = row.every((box) => box.small);
      const high = Math.max(small ? LEAST.small : LEAST.row, ...row.map((box, j) => (box.n * scale) / wide[j]));
      if (more) at += 8;
      else if (i) {
        lines.push({ kind: "arrow", d: `M${x + width / 2} ${at} v12 m-4 -5 l4 5 l4 -5` });
        at += 16;
      }
      let left = x;
      row.forEach((box, j) => {
        boxes.push({ box, x: left, y: at, w: wide[j], h: high, fill: Math.min(high, (box.n * scale) / wide[j]) });
        left += wide[j] + 8;
      });
      ends.push([at, high]);
      at += high;
    });
    const middle = ([top, high]) => top + Math.min(high / 2, 24);
    return { boxes, lines, bottom: at, first: middle(ends[0]), last: middle(ends.at(-1)) };
  };
  // Height that the fills of a half would have at scale 1.
  const weight = (half, width) => sum(half.rows.flatMap((row) => split(row, width)), (row) => { const wide = widths(row, width); return Math.max(...row.map((box, j) => box.n / wide[j])); });

  const TURNS = { attention: ["num_attention_heads", "num_key_value_heads"], feed_forward: ["intermediate_size"], moe: [] };
  const turns = (scene, names) => names.filter((name) => name in scene.turns);

  architecture.layout = (scene, number, width, coarse) => {
    const layer = scene.layers[number], wide = width >= WIDE;
    const left = scene.tied ? 22 : 6, narrow = wide ? clamp(width * 0.15, 104, 190) : 64, gap = wide ? 38 : 20;
    const bx = left + narrow + gap, bw = Math.min(width - bx - 12, 1080);
    const high = coarse ? 66 : 46, each_ = coarse ? 150 : 96; // a handle, its name above it
    const line = 26; // of a title
    const beside = wide && bw >= layer.halves.length * (LEAST.half + 16) + 20;
    const lines_ = (count, room) => Math.ceil(count / Math.max(1, Math.floor(room / each_)));
    const head = lines_(2, bw) * high + 4;
    const boxes = [], lines = [], handles = [], texts = [];
    const inner = [], top = head + 4;
    let bottom = 0;

    const ofHalf = (half) => turns(scene, TURNS[half.kind] || []);
    const titleHigh = (half, room) => line + lines_(ofHalf(half).length, room) * high + 2;
    // Those of one line share a place, and stand beside each other there.
    const put = (names, x, y, room) => {
      const fit = Math.max(1, Math.floor(room / each_));
      handles.push(...names.map((name, i) => ({ name, x, y: y + Math.floor(i / fit) * high })));
    };
    if (beside) {
      const between = layer.halves.map((half) => (half.post.length ? 104 : 14));
      const room = bw - 12 - sum(between, (each) => each), whole = sum(layer.halves, (half) => half.n) || 1;
      const shares = layer.halves.map((half) => half.n / whole), all = sum(shares, (each) => each);
      const least = Math.min(LEAST.half, room / layer.halves.length), spare = room - least * layer.halves.length;
      const wides = shares.map((each) => least + (each / all) * spare);
      const scale = 250 / Math.max(...layer.halves.map((half, i) => weight(half, wides[i] - 2 * LANE))) || 0;
      const stream = top + 30;
      let x = bx + 8, first = 0;
      layer.halves.forEach((half, i) => {
        const w = wides[i], y = stream + 24, made = rows(half, x + LANE, y + titleHigh(half, w - 2 * LANE) + 4, w - 2 * LANE, scale);
        inner.push({ box: half, x, y, w, h: 0 });
        boxes.push(...made.boxes);
        lines.push(...made.lines);
        const enter = x + 12, leave = x + w - 12;
        if (!i) first = enter;
        const from = scene.parallel && i ? `M${first} ${stream + 10} H${enter}` : `M${enter} ${stream}`;
        lines.push({ kind: "read", d: `${from} V${made.first} H${x + LANE - 1} m-5 -4 l5 4 l-5 4` });
        const ends = scene.parallel && i < layer.halves.length - 1;
        lines.push({ kind: "write", d: `M${x + w - LANE} ${made.last} H${leave} V${stream + 10}` + (ends ? ` H${bx + bw - between.at(-1) - 18}` : " m-4 5 l4 -5 l4 5") });
        if (!scene.parallel || !i) lines.push({ kind: "dot", x: enter, y: stream });
        if (!ends) lines.push({ kind: "plus", x: leave, y: stream });
        put(ofHalf(half), x + LANE, y + line, w - 2 * LANE);
        half.post.forEach((box) => boxes.push({ box, x: x + w + 8, y: stream - 15, w: 88, h: 30, fill: 0 }));
        bottom = Math.max(bottom, made.bottom + 12);
        x += w + between[i];
      });
      for (const half of inner) half.h = bottom - half.y;
      lines.push({ kind: "stream", d: `M${bx - 2} ${stream} H${bx + bw - 4} m-6 -5 l6 5 l-6 5` });
      texts.push({ what: "stream", x: bx + 8, y: stream - 26, w: bw - 16 });
    } else {
      const x = bx + 22, w = bw - 26, room = w - 16;
      const scale = (wide ? 420 : 300) / Math.max(1, sum(layer.halves, (half) => weight(half, room)));
      const stream = bx + 8;
      let y = top + 26;
      texts.push({ what: "stream", x: bx + 2, y: top + 2, w: bw - 8 });
      layer.halves.forEach((half) => {
        const made = rows(half, x + 8, y + titleHigh(half, room) + 2, room, scale);
        inner.push({ box: half, x, y, w, h: made.bottom + 10 - y });
        boxes.push(...made.boxes);
        lines.push(...made.lines);
        lines.push({ kind: "read", d: `M${stream} ${made.first} H${x + 7} m-5 -4 l5 4 l-5 4` });
        lines.push({ kind: "write", d: `M${x + 8} ${made.last} H${stream + 10} m5 -4 l-5 4 l5 4` });
        lines.push({ kind: "dot", x: stream, y: made.first }, { kind: "plus", x: stream, y: made.last });
        put(ofHalf(half), x + 8, y + line, room);
        y = made.bottom + 22;
        half.post.forEach((box) => { boxes.push({ box, x: stream - 6, y: y - 8, w: 120, h: 30, fill: 0 }); y += 34; });
      });
      bottom = y - 10;
      lines.push({ kind: "stream", d: `M${stream} ${top + 24} V${bottom + 2} m-5 -6 l5 6 l5 -6` });
    }
    put(turns(scene, ["num_hidden_layers", "hidden_size"]), bx + 6, 0, bw);
    const ends = bottom + 10, from = wide ? 24 : 40;
    const slices = column(scene, left, from, narrow, ends - from - 22);
    const opened = slices.find((each) => each.box.layer === number), each = opened.fill / layer.count;
    lines.unshift({ kind: "funnel", d: `M${left + narrow} ${opened.y} L${bx} ${head} V${ends} L${left + narrow} ${opened.y + Math.max(each, 3)} Z` });
    if (scene.tied) {
      const [head_, table] = [0, 1].map((i) => slices.find((one) => one.box.id === scene.tied[i]));
      if (head_ && table) {
        const y1 = table.y + Math.min(table.h / 2, 24), y2 = head_.y + head_.h / 2;
        lines.push({ kind: "tie", d: `M${left} ${y2} C${left - 26} ${y2} ${left - 26} ${y1} ${left - 1} ${y1} m-5 -4 l5 4 l-5 4` });
      }
    }
    lines.sort((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind));
    texts.push({ what: "ids", x: left, y: wide ? 2 : 0, w: narrow, high: from }, { what: "logits", x: left, y: ends - 20, w: narrow });
    return { width: bx + bw + 10, height: ends + 12, boxes: [...slices, ...boxes], halves: inner, lines, handles, texts, layer: { x: bx, y: head, w: bw, h: ends - head }, line, narrow: !beside };
  };
})();
