/*
 * The Next token room, what a look is drawn as: its tokens, the stages from logits to what is drawn from, the bars.
 * The first of the room's scripts: `playground.next` is what they have in common.
 * Whatever comes from vocabularies and prompts enters the page by textContent alone.
 *
 * A token: [id, piece, text, bytes, kind]; text is "" where it ends inside a character.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, number, percent, filled } = page.tools;
  const next = (page.next = {});

  // ---- the page ----

  const frame = () => document.querySelector("#next-frame .nx");
  const part = (name) => frame() && frame().querySelector(".nx-" + name);
  const data = () => { // read once a frame
    const place = frame();
    if (!place.nxData) place.nxData = JSON.parse(place.querySelector(".pg-data").textContent);
    return place.nxData;
  };
  const say = (key, values) => filled(data().words[key] || key, values);
  const shownText = (token) => {
    const [id, piece, text, bytes, kind] = token;
    if (kind === "padded") return say("padded", { id });
    if (kind === "special") return piece;
    return text ? text.replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "→") : bytes ? "⟨" + bytes + "⟩" : "∅";
  };
  const chip = (token) => {
    const made = element("code", "nx-tok " + token[4], shownText(token));
    made.dir = "auto";
    return made;
  };

  // ---- what is set ----

  const ROOM = "next_token";
  const NAMES = ["prompt", "model", "chat", "temperature", "top_k", "top_p", "min_p", "count", "seed"];
  const moved = {}; // of sliders: Gradio tells of a move some time later, and whoever drags wants to see it at once
  const named = (read) => ({ ...Object.fromEntries(NAMES.map((name) => [name, read(`${ROOM}.${name}`)])), quantization: read(`${ROOM}.precision`) || "" });
  const built = () => named(page.store.usual); // what the page is built with, and its example was looked at with
  const settings = () => ({ ...named(page.store.get), ...moved });

  // ---- stages and bars ----

  let stage = "final";
  const STAGES = ["logits", "own", "warm", "k", "p", "m", "final"];
  const off = ({ temperature, top_k, top_p, min_p }) => ({ warm: temperature === 1, k: !(top_k > 0), p: !(top_p < 1), m: !(min_p > 0) });
  const FILTERS = { warm: "temperature", k: "top_k", p: "top_p", m: "min_p" };
  /* A filter's own controls: what is dragged is seen at once, and kept when it is let go. */
  const filter = (name) => {
    const id = FILTERS[name], [min, max, , step] = data().filters[id], box = element("span", "nx-filter");
    const keep = (value) => page.store.set({ [`${ROOM}.${id}`]: value }, "visitor", `${ROOM}.${id}`);
    for (const type of ["range", "number"]) {
      const made = element("input");
      Object.assign(made, { type, min, max, step });
      made.dataset.set = id;
      made.setAttribute("aria-label", say("set_" + id));
      made.addEventListener("change", () => {
        const value = made.value === "" ? NaN : Math.min(max, Math.max(min, Number(made.value)));
        if (Number.isFinite(value)) keep(value); else next.drawChart(); // what is no number is as it was
      });
      if (type === "range") made.addEventListener("input", () => { moved[id] = Number(made.value); next.check(); });
      box.append(made);
    }
    return box;
  };
  const buildStages = (place) => place.replaceChildren(...STAGES.map((name) => {
    const cell = element("div", "nx-cell"), made = button("", "nx-stage", () => { stage = name; next.drawChart(); });
    made.dataset.stage = name;
    made.append(element("b", "", say("stage_" + name)), element("small"));
    cell.append(made);
    if (name in FILTERS) cell.append(filter(name));
    return cell;
  }));
  const drawStages = (look) => {
    const place = part("stages"), w = look.weighed, kept = settings(), none = off(kept);
    if (!place.childElementCount) buildStages(place);
    const left = { logits: look.vocabulary, own: look.vocabulary, warm: kept.temperature ? look.vocabulary : 1, k: w.left[0], p: w.left[1], m: w.left[2], final: w.left[2] };
    const bits = { own: w.bits[0], warm: w.bits[1], final: w.bits[2] };
    STAGES.forEach((name, i) => {
      const cell = place.children[i], made = cell.firstChild;
      cell.classList.toggle("on", stage === name);
      cell.classList.toggle("idle", Boolean(none[name]));
      made.setAttribute("aria-pressed", String(stage === name));
      made.lastChild.textContent = none[name] ? say("idle") : say("left", { n: number(left[name]) }) + (name in bits ? " · " + say("bits", { n: number(bits[name], 2) }) : "");
      for (const each of cell.querySelectorAll("input")) if (each.type === "range" || each !== document.activeElement) each.value = kept[FILTERS[name]] ?? "";
    });
    part("legend").textContent = say("about_" + stage) + (scaled() ? " " + say("log_scale") : "");
  };

  const SCALE = `${ROOM}.scale`; // "log" where a visitor switched to it: it stays
  const scaled = () => stage !== "logits" && page.store.get(SCALE) === "log";
  /* The end of a scale that begins with 0: a share that is easily read, and holds the largest bar. */
  const end = (high) => {
    let tens = 1;
    while (tens > 1e-9 && high <= tens / 10) tens /= 10;
    return tens * ([0.2, 0.5].find((part) => high <= tens * part) || 1);
  };
  /* Shares beneath each other: two digits after the point, so that points stand in a line. */
  const listed = (share) => {
    if (share >= 0.0001 && share < 0.9999) return (100 * share).toFixed(2) + "%";
    return share >= 1e-6 && share < 0.0001 ? (100 * share).toPrecision(2) + "%" : percent(share);
  };
  const decimals = (said) => (/^\d+\.\d+%$/.test(said) ? said.length - 1 - said.indexOf(".") : 0);
  const lineUp = (place) => { // points beneath each other, however many digits follow
    const all = [...place.querySelectorAll(":scope > .nx-row:not(.nx-axis) > .nx-value")];
    const most = Math.max(...all.map((each) => decimals(each.textContent)));
    for (const each of all) each.style.paddingInlineEnd = each.textContent.endsWith("%") ? `${most - decimals(each.textContent)}ch` : "";
  };
  /* Of every bar its value, whether it is hatched; and what is not shown. A filter counts over what the one
     before it left, so there the shares are of that, and what went earlier has none. */
  const valued = (look) => {
    const w = look.weighed, sum = (list) => list.reduce((all, each) => all + each, 0);
    const rest = (otherwise) => (w.rest ? w.rest[STAGES.indexOf(stage) - 1] : Math.max(0, otherwise)); // shipped: without
    if (stage === "logits") return { values: w.logit, rest: null };
    if (stage === "own" || stage === "warm") return { values: w[stage], rest: rest(1 - sum(w[stage])) };
    if (stage === "final") return { values: w.final, out: w.gone.map((by) => by > 0), rest: rest(1 - sum(w.final)) };
    const limit = STAGES.indexOf(stage) - 2, mass = w.mass[limit - 1];
    const base = limit > 1 ? w.mass[limit - 2] : 1, before = limit > 1 ? w.left[limit - 2] : look.vocabulary;
    const out = w.gone.map((by) => by >= 1 && by <= limit);
    const values = w.warm.map((p, i) => (w.gone[i] >= 1 && w.gone[i] < limit ? 0 : p / base));
    const stays = sum(w.warm.filter((_, i) => !out[i])), gone = sum(values.filter((_, i) => out[i]));
    const unlisted = before - w.left[limit - 1] > w.gone.filter((by) => by === limit).length;
    let reached = 0;
    const sums = limit === 2 && w.left[1] < before ? values.map((p, i) => (out[i] ? null : (reached += p))) : null;
    return { values, out, sums, hatched: true, rest: rest(mass - stays) / base, lost: unlisted ? Math.max(0, 1 - mass / base - gone) : 0 };
  };
  const board = (place, look, pick, marks = {}) => {
    const { values, out, sums, hatched, rest, lost } = valued(look), log = scaled();
    const w = look.weighed;
    const raw = stage === "logits";
    const low = raw ? Math.min(...values) - 0.05 * (Math.max(...values) - Math.min(...values)) : 0;
    const high = raw ? Math.max(...values) : end(Math.max(...values, rest || 0, lost || 0, 1e-9));
    const width = (value) => {
      if (raw) return 100 * (value - low) / (high - low || 1);
      if (log) return value > 0 ? 100 * Math.max(0.004, (Math.log10(value) + 8) / 8) : 0;
      return 100 * value / high;
    };
    // A row is made once and then only changed: sliders move many times a second.
    const rows = look.candidates.length, whose = look.row || look.model; // what is shipped has no row on the server
    if (place.nxLook !== whose || place.children.length < rows || place.nxRows !== rows) {
      place.replaceChildren(...look.candidates.map((token, i) => {
        const made = pick ? button("", "nx-row", () => pick(token[0])) : element("div", "nx-row");
        made.append(element("span", "nx-rank", String(i + 1)), chip(token), element("span", "nx-bar"), element("span", "nx-value"), element("span", "nx-why"));
        made.children[2].append(element("i"), element("u"));
        made.title = say("row", { id: token[0], piece: token[1] });
        return made;
      }));
      Object.assign(place, { nxLook: whose, nxRows: rows });
    }
    look.candidates.forEach((token, i) => {
      const row = place.children[i];
      const [bar, tick] = row.children[2].children;
      const gone = out && out[i];
      row.classList.toggle("gone", Boolean(gone));
      row.classList.toggle("tried", Boolean(marks.tried && marks.tried.has(token[0])));
      row.classList.toggle("actual", marks.actual === token[0]);
      bar.className = gone && hatched ? "hatch" : "";
      bar.style.width = width(values[i]) + "%";
      tick.hidden = raw || stage === "own" || Math.abs(w.own[i] - values[i]) < 1e-6;
      tick.style.left = Math.min(100, width(w.own[i])) + "%";
      row.children[3].textContent = raw ? number(values[i], 2) : listed(values[i]);
      row.children[4].textContent = gone ? say("gone_" + w.gone[i]) : marks.actual === token[0] ? say("actual") : marks.other ? marks.other.get(token[2]) || "" : sums ? say("sum", { p: listed(sums[i]) }) : "";
      row.classList.toggle("counts", Boolean(sums) && !gone);
    });
    while (place.children.length > rows) place.lastChild.remove();
    const more = (text, value, kind) => {
      const made = element("div", "nx-row rest " + kind);
      made.append(element("span", "nx-rank"), element("span", "nx-name", text), element("span", "nx-bar"), element("span", "nx-value", listed(value)), element("span", "nx-why"));
      made.children[2].append(element("i", kind));
      made.children[2].firstChild.style.width = width(value) + "%";
      place.append(made);
    };
    const unseen = look.vocabulary - rows;
    if (rest !== null && unseen) more(say("rest", { n: number(unseen) }), rest, "");
    if (lost > 0) more(say("lost_rest"), lost, "hatch");
    lineUp(place);
    place.classList.toggle("log", log);
    place.classList.toggle("plain", !log && !raw);
    place.style.setProperty("--tok", Math.min(16, Math.max(4, ...look.candidates.map((token) => shownText(token).length))) + "ch");
    if (!raw) {
      const axis = element("div", "nx-row rest nx-axis"), bar = element("span", "nx-scale");
      axis.setAttribute("aria-hidden", "true");
      const shares = log ? [1e-6, 1e-4, 0.01, 1] : [0.25, 0.5, 0.75, 1].map((part) => part * high); // the left end of log: 10⁻⁸
      for (const share of shares) {
        const made = element("small", "", Number((100 * share).toPrecision(3)) + "%");
        made.style.left = width(share) + "%";
        bar.append(made);
      }
      axis.append(element("span"), element("span", "nx-name", say(log ? "log" : "linear")), bar);
      place.append(axis);
    }
  };
  /* What each token's bar says, as it says it. */
  const written = (look) => {
    const { values } = valued(look);
    return new Map(look.candidates.map((token, i) => [token[2], stage === "logits" ? number(values[i], 2) : listed(values[i])]));
  };

  Object.assign(next, {
    ROOM, frame, part, data, say, percent, shownText, chip, built, settings, moved, drawStages, board, written, scaled,
    logits: () => stage === "logits",
    scale: (wanted) => page.store.set({ [SCALE]: wanted ? "log" : "" }, "visitor", SCALE),
  });
})();
