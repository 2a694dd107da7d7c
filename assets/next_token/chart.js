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
  /* As the page is built, for what is pressed before its store is there. */
  const built = () => {
    const { prompt, model, candidates } = data().examples[0];
    return { prompt, model, quantization: "", chat: false, temperature: 1, top_k: 0, top_p: 1, min_p: 0, count: candidates.length, seed: -1 };
  };
  const settings = () => {
    const value = (name) => page.store.get(`${ROOM}.${name}`);
    if (value("model") === undefined) return built();
    return { ...Object.fromEntries(NAMES.map((name) => [name, value(name)])), quantization: value("precision") || "", ...moved };
  };

  // ---- stages and bars ----

  let stage = "final";
  let log = null; // the visitor's choice; null: as it suits what is shown
  const STAGES = ["logits", "own", "warm", "k", "p", "m", "final"];
  const off = ({ temperature, top_k, top_p, min_p }) => ({ warm: temperature === 1, k: !(top_k > 0), p: !(top_p < 1), m: !(min_p > 0) });
  const drawStages = (look) => {
    const place = part("stages"), w = look.weighed, kept = settings(), none = off(kept);
    const left = { logits: look.vocabulary, own: look.vocabulary, warm: kept.temperature ? look.vocabulary : 1, k: w.left[0], p: w.left[1], m: w.left[2], final: w.left[2] };
    const bits = { own: w.bits[0], warm: w.bits[1], final: w.bits[2] };
    place.replaceChildren(...STAGES.map((name) => {
      const made = button("", "nx-stage" + (stage === name ? " on" : "") + (none[name] ? " idle" : ""), () => { stage = name; next.drawChart(); });
      made.setAttribute("aria-pressed", String(stage === name));
      made.dataset.stage = name;
      const value = { warm: number(kept.temperature ?? 1, 2), k: kept.top_k, p: kept.top_p, m: kept.min_p }[name];
      made.append(element("b", "", say("stage_" + name) + (none[name] || value === undefined ? "" : " " + value)));
      made.append(element("small", "", none[name] ? say("idle") : say("left", { n: number(left[name]) }) + (name in bits ? " · " + say("bits", { n: number(bits[name], 2) }) : "")));
      return made;
    }));
    part("legend").textContent = say("about_" + stage) + (scaled() ? " " + say("log_scale") : "");
  };

  // One token that has nearly everything leaves no bar of the others to be seen.
  const scaled = () => stage !== "logits" && (log === null ? next.view().look.weighed.own[0] > 0.95 : log);
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
    const high = Math.max(...values, rest || 0, lost || 0, 1e-30);
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
      row.children[3].textContent = raw ? number(values[i], 2) : percent(values[i]);
      row.children[4].textContent = gone ? say("gone_" + w.gone[i]) : marks.actual === token[0] ? say("actual") : marks.other ? marks.other.get(token[2]) || "" : sums ? say("sum", { p: percent(sums[i]) }) : "";
      row.classList.toggle("counts", Boolean(sums) && !gone);
    });
    while (place.children.length > rows) place.lastChild.remove();
    const more = (text, value, kind) => {
      const made = element("div", "nx-row rest " + kind);
      made.append(element("span", "nx-rank"), element("span", "nx-name", text), element("span", "nx-bar"), element("span", "nx-value", percent(value)), element("span", "nx-why"));
      made.children[2].append(element("i", kind));
      made.children[2].firstChild.style.width = width(value) + "%";
      place.append(made);
    };
    const unseen = look.vocabulary - rows;
    if (rest !== null && unseen) more(say("rest", { n: number(unseen) }), rest, "");
    if (lost > 0) more(say("lost_rest"), lost, "hatch");
    place.classList.toggle("log", log);
    if (log) {
      const axis = element("div", "nx-row rest nx-axis"), bar = element("span", "nx-scale");
      axis.setAttribute("aria-hidden", "true");
      for (const share of [0.0001, 0.01, 1, 100]) { // in per cent; the left end is 10⁻⁸
        const made = element("small", "", share + "%");
        made.style.left = 100 * (Math.log10(share) + 6) / 8 + "%";
        bar.append(made);
      }
      axis.append(element("span"), element("span", "nx-name", say("log")), bar);
      place.append(axis);
    }
  };
  /* What each token's bar says, as it says it. */
  const written = (look) => {
    const { values } = valued(look);
    return new Map(look.candidates.map((token, i) => [token[2], stage === "logits" ? number(values[i], 2) : percent(values[i])]));
  };

  Object.assign(next, {
    ROOM, frame, part, data, say, percent, shownText, chip, settings, moved, drawStages, board, written, scaled,
    logits: () => stage === "logits",
    scale: (wanted) => { log = wanted; },
  });
})();
