/*
 * The Next token panel. What was tried stands in this page alone: a tree of nodes, each with the ids up to it.
 * The server keeps logits for a while and weighs them anew when a slider moves; only the few shown travel.
 * Whatever comes from vocabularies and prompts enters the page by textContent alone.
 *
 * A token: [id, piece, text, bytes, kind]; text is "" where it ends inside a character.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, number, filled } = page.tools;
  const NAMES = ["prompt", "model", "quantization", "chat", "temperature", "top_k", "top_p", "min_p", "count", "seed"];
  const PAUSE = 500; // milliseconds after the last key before a prompt is read
  const MOST = 300; // tokens that auto-play writes

  let settings = {};
  let roots = [];
  let here = null; // the node whose next token is shown
  let peek = null; // a place inside the prompt that is looked at instead: {ids, look, actual, at}
  let prompt = null; // of the last prompt: ids, tokens, p, rank, perplexity
  let stage = "final";
  let log = null; // the visitor's choice; null: as it suits what is shown
  let good = ""; // what is shown was asked so
  let unread = "", said = ""; // why what is asked for is not what is shown; the last warning
  let playing = null; // {timer}
  let running = null; // AbortController; .look where it reads the prompt
  let of = ""; // what was asked for last: prompt, model, precision, chat
  let shown = ""; // what the tree is of: model, precision, chat
  const conversation = [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");

  // ---- the page ----

  const frame = () => document.querySelector("#next-frame .nx");
  const part = (name) => frame() && frame().querySelector(".nx-" + name);
  const data = () => { // read once a frame
    const place = frame();
    if (!place.nxData) place.nxData = JSON.parse(place.querySelector(".pg-data").textContent);
    return place.nxData;
  };
  const say = (key, values) => filled(data().words[key] || key, values);
  const percent = (p) => {
    if (p === 0) return "0 %";
    if (p > 0.9995 && p < 1) return "> 99.9 %";
    if (p >= 1e-6 && p < 1e-4) return (100 * p).toPrecision(1) + " %";
    return p < 1e-6 ? (100 * p).toExponential(0).replace("e-", "·10⁻").replace(/⁻(\d+)/, (_, n) => "⁻" + [...n].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("")) + " %"
      : (p >= 0.1 ? (100 * p).toFixed(1) : (100 * p).toPrecision(2)) + " %";
  };
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
  const told = (text) => { const place = part("status"); if (place && place.textContent !== text) place.textContent = text; };
  const failed = (text) => { said = text; const place = part("status"); if (place) place.replaceChildren(element("p", "pg-warning", text)); };
  const dim = (why) => { unread = why; frame().classList.toggle("unread", Boolean(why)); };
  const calm = () => { if (unread) failed(unread); else told(""); };

  // ---- the server ----

  const given = (more = {}) => ({ ...settings, conversation, ...more });
  /* A stream's last word; what it tells on the way goes to the status line. Throws what was refused. */
  const ask = async (name, asked, { signal, quiet } = {}) => {
    let last = null;
    for await (const piece of page.stream(name, asked, signal)) {
      if (piece.error) throw Object.assign(new Error(piece.error), { ours: true });
      if (quiet) { last = piece; continue; }
      if (piece.loading) told(piece.loading);
      else if (piece.waiting) told(say("waiting", { n: piece.waiting }));
      else if (piece.reading) told(say("reading", { done: number(piece.reading), total: number(piece.total) }));
      else last = piece;
    }
    if (!last) throw new page.Lost(name);
    return last;
  };
  const why = (error) => (error.ours ? error.message : say(page.wrong(error)));
  const asking = async (work, look = false) => {
    if (running) running.abort();
    const mine = (running = Object.assign(new AbortController(), { look }));
    let done = false;
    frame().classList.add("busy");
    try {
      told(say("thinking"));
      await work(mine.signal);
      done = true;
      if (running === mine) calm();
    } catch (error) {
      if (running === mine && error.name !== "AbortError") { stop(); failed(why(error)); }
    }
    if (running !== mine) return done;
    running = null;
    const place = frame();
    if (place) place.classList.remove("busy");
    if (done || !of) check(); // what was moved meanwhile, or a look that this one cut short
    return done;
  };
  const quit = () => { // a step on its way would take whoever has gone elsewhere back
    if (!running || running.look) return;
    running.abort();
    running = null;
    frame().classList.remove("busy");
    calm();
  };

  // ---- the tree ----

  const node = (parent, ids, tokens, look, token) => {
    const made = { parent, ids, tokens, look, token, children: [], last: null };
    if (parent) { parent.children.push(made); parent.last = made; } else roots.push(made);
    return made;
  };
  const depth = (at) => at.ids.length - rootOf(at).ids.length;
  const rootOf = (at) => { while (at.parent) at = at.parent; return at; };
  const begin = (look) => {
    dim("");
    roots = [];
    peek = null;
    prompt = look;
    const tokens = look.tokens.map((token, i) => ({ token, p: look.p ? look.p[i] : null, rank: look.rank ? look.rank[i] : null }));
    here = node(null, look.ids, tokens, look, null);
    here.skipped = look.skipped;
    draw();
  };
  const stand = (to) => {
    here = to;
    peek = null;
    if (to.parent) to.parent.last = to;
    draw();
    weigh();
  };
  const go = (to) => { if (to) { quit(); stand(to); } };
  const view = () => peek || here;
  const branched = (ids) => roots.find((root) => root.ids.length === ids.length && root.ids.every((id, i) => id === ids[i]));

  const whose = () => JSON.stringify([settings.model, settings.quantization, settings.chat]);
  const lookAt = async () => {
    const asked = given({ score_prompt: true }), weighed = key(), read = whose(), mine = (of = asks());
    let cut = null;
    const done = await asking(async (signal) => {
      cut = signal;
      const { look } = await ask("next/look", asked, { signal });
      look.asked = weighed;
      shown = read;
      good = mine;
      begin(look);
    }, true);
    if (!done && cut && !cut.aborted) dim(said);
    if (!done && cut && cut.aborted && of === mine && !(running && running.look)) of = ""; // asked again
    return done;
  };
  /* Another model is chosen than the tree is of: to that one its ids would say something else. */
  const stale = () => {
    if (!settings.model) return settings.model !== undefined; // cleared; or the controls have not told yet
    if (whose() === shown) return false;
    if (!(running && running.look && of === asks())) lookAt();
    return true;
  };
  /* Append a token to what is shown and go on from there: greedy, sample, or an id. A place inside the prompt
     becomes a beginning of its own in the tree, so that there is a way back to it. */
  const step = async (choose) => {
    const from = view(), peeked = peek, base = here;
    if (!from || !from.look || stale()) return false;
    const begun = peeked ? branched(peeked.ids) : from;
    const twin = (id) => begun && begun.children.find((each) => each.token.token[0] === id);
    const known = typeof choose === "number" && twin(choose);
    if (known) { go(known); return true; }
    return asking(async (signal) => {
      const weighed = key();
      const drawn = settings.seed >= 0 ? { seed: settings.seed, draws: peeked ? 0 : depth(from) } : { seed: Math.floor(Math.random() * 2 ** 31), draws: 0 };
      const { look } = await ask("next/look", given({ ids: from.ids, choose, ...drawn }), { signal });
      const { chosen } = look;
      const token = { token: chosen.token, p: chosen.p, rank: chosen.rank, chance: chosen.chance, end: chosen.end, made: true };
      const again = twin(chosen.token[0]);
      if (again) { stand(again); return; }
      const skipped = base.skipped || 0;
      const parent = begun || node(null, peeked.ids, base.tokens.slice(0, Math.max(0, from.ids.length - skipped)), peeked.look, null);
      parent.skipped = skipped;
      here = node(parent, [...from.ids, chosen.token[0]], [...parent.tokens, token], look, token);
      here.skipped = skipped;
      look.asked = weighed;
      peek = null;
      draw();
    });
  };
  const toPlace = (i) => { // the distribution that the token at place i came from
    if (stale()) return;
    if (i < 1) { told(say("first_place")); return; }
    for (let at = here; at; at = at.parent) if (at.ids.length === i) { go(at); return; }
    const ids = here.ids.slice(0, i);
    const actual = here.ids[i];
    asking(async (signal) => {
      const weighed = key();
      const { look } = await ask("next/look", given({ ids }), { signal });
      look.asked = weighed;
      peek = { ids, look, actual, at: i, get children() { const begun = branched(ids); return begun ? begun.children : []; } };
      draw();
    });
  };

  // ---- weighing ----

  const key = () => JSON.stringify([settings.temperature, settings.top_k, settings.top_p, settings.min_p, settings.count]);
  let weighing = false, again = false;
  const weigh = async () => {
    const at = view();
    if (!at || !at.look || at.look.asked === key()) return;
    if (weighing) { again = true; return; }
    weighing = true;
    try {
      const wanted = key();
      const more = settings.count !== at.look.candidates.length && at.look.candidates.length < at.look.vocabulary;
      const answer = more ? { gone: true } : await page.once("next/weigh", given({ prompt: "", row: at.look.row }));
      if (answer.error) failed(answer.error);
      else if (answer.gone) {
        if (running || whose() !== shown) return; // weighed when that one has come
        await asking(async (signal) => {
          const { look } = await ask("next/look", given({ ids: at.ids }), { signal });
          Object.assign(at.look, { ...look, ms: at.look.ms, reused: at.look.reused }, { asked: wanted });
        });
      } else { Object.assign(at.look, { weighed: answer.weighed, asked: wanted }); calm(); }
      if (at === view()) drawChart();
    } catch (error) { failed(why(error)); } finally {
      weighing = false;
      if (again) { again = false; weigh(); }
    }
  };

  // ---- what is drawn ----

  const draw = () => {
    if (!frame() || !here) return;
    drawText();
    drawChart();
    drawTree();
    page.next.changed();
  };

  const drawText = () => {
    const place = part("text");
    place.replaceChildren();
    const skipped = here.skipped || 0;
    if (skipped) place.append(element("span", "nx-skip", say("skipped", { n: number(skipped) })));
    here.tokens.forEach((each, i) => {
      const at = i + skipped;
      const [, , text, , kind] = each.token;
      const plain = text && kind !== "special" && kind !== "padded";
      const made = element("span", "ct" + (plain ? "" : " odd"), plain ? text : shownText(each.token));
      made.dataset.at = at;
      made.setAttribute("role", "button");
      made.tabIndex = 0;
      if (each.p !== null && each.p !== undefined) {
        made.style.setProperty("--p", each.p);
        made.title = `${percent(each.p)} · ${say("rank", { n: number(each.rank) })}`;
        if (each.p < 0.01) made.classList.add("surprise");
      }
      if (each.made) made.classList.add("made");
      if (peek && peek.at === at) made.classList.add("here");
      if (peek && at > peek.at) made.classList.add("later");
      place.append(made);
    });
    place.append(button("", "nx-cursor" + (peek ? "" : " on"), () => { quit(); peek = null; draw(); weigh(); }));
    place.lastChild.title = say("cursor");
    place.lastChild.setAttribute("aria-label", say("cursor"));
    drawNote();
  };
  const drawNote = () => {
    const heard = here.tokens.filter((each) => each.p > 0);
    const note = part("note");
    note.replaceChildren();
    if (heard.length && !(here.skipped && here.skipped > 0)) {
      const mean = heard.reduce((sum, each) => sum - Math.log(each.p), 0) / heard.length;
      const first = prompt && prompt.begins ? say("begins_yes", { token: here.tokens[0].token[1] }) : say("begins_no");
      note.append(element("b", "", say("perplexity", { value: number(Math.exp(mean), 2), n: number(heard.length) })), " ", first);
    } else if (prompt && prompt.perplexity)
      note.append(element("b", "", say("perplexity", { value: number(prompt.perplexity, 2), n: number(prompt.ids.length - 1) })));
    const stood = peek && here.tokens[peek.at - (here.skipped || 0)];
    if (stood && stood.p !== null && stood.p !== undefined)
      note.prepend(element("b", "nx-stood", say("stood", { token: shownText(stood.token), p: percent(stood.p), n: number(stood.rank) })), element("br"));
    const plain = prompt && prompt.plain && JSON.parse(shown);
    if (plain) note.prepend(element("b", "nx-plain", say("no_template", { model: plain[0] })), element("br"));
    const last = here.tokens.at(-1);
    if (last && last.end) note.append(" ", element("span", "nx-end", say("end")));
  };

  const STAGES = ["logits", "own", "warm", "k", "p", "m", "final"];
  const off = () => ({
    warm: settings.temperature === 1, k: !(settings.top_k > 0), p: !(settings.top_p < 1), m: !(settings.min_p > 0),
  });
  const drawStages = (look) => {
    const place = part("stages"), w = look.weighed, none = off();
    const left = { logits: look.vocabulary, own: look.vocabulary, warm: settings.temperature ? look.vocabulary : 1, k: w.left[0], p: w.left[1], m: w.left[2], final: w.left[2] };
    const bits = { own: w.bits[0], warm: w.bits[1], final: w.bits[2] };
    place.replaceChildren(...STAGES.map((name) => {
      const made = button("", "nx-stage" + (stage === name ? " on" : "") + (none[name] ? " idle" : ""), () => { stage = name; drawChart(); });
      made.setAttribute("aria-pressed", String(stage === name));
      made.dataset.stage = name;
      const value = { warm: number(settings.temperature ?? 1, 2), k: settings.top_k, p: settings.top_p, m: settings.min_p }[name];
      made.append(element("b", "", say("stage_" + name) + (none[name] || value === undefined ? "" : " " + value)));
      made.append(element("small", "", none[name] ? say("idle") : say("left", { n: number(left[name]) }) + (name in bits ? " · " + say("bits", { n: number(bits[name], 2) }) : "")));
      return made;
    }));
    part("legend").textContent = say("about_" + stage) + (scaled() ? " " + say("log_scale") : "");
  };

  // One token that has nearly everything leaves no bar of the others to be seen.
  const scaled = () => stage !== "logits" && (log === null ? view().look.weighed.own[0] > 0.95 : log);
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
    const rows = look.candidates.length;
    if (place.nxLook !== look.row || place.children.length < rows || place.nxRows !== rows) {
      place.replaceChildren(...look.candidates.map((token, i) => {
        const made = pick ? button("", "nx-row", () => pick(token[0])) : element("div", "nx-row");
        made.append(element("span", "nx-rank", String(i + 1)), chip(token), element("span", "nx-bar"), element("span", "nx-value"), element("span", "nx-why"));
        made.children[2].append(element("i"), element("u"));
        made.title = say("row", { id: token[0], piece: token[1] });
        return made;
      }));
      Object.assign(place, { nxLook: look.row, nxRows: rows });
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
        const made = element("small", "", share + " %");
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
  const drawChart = () => {
    const at = view();
    if (!frame() || !at || !at.look) return;
    drawStages(at.look);
    const tried = new Set((at.children || []).map((each) => each.token.token[0]));
    board(part("chart"), at.look, (id) => { stop(); step(id); }, { tried, actual: peek ? peek.actual : undefined });
    drawActs();
    page.next.weighed();
  };
  const drawActs = () => {
    const place = part("acts");
    if (place.childElementCount) {
      place.querySelector('[data-act="back"]').disabled = !(peek || here.parent);
      place.querySelector('[data-act="forward"]').disabled = !here.last;
      place.querySelector('[data-act="play"]').textContent = playing ? say("pause") : say("play");
      const box = place.querySelector("input[type=checkbox]");
      box.disabled = stage === "logits";
      if (!box.disabled) box.checked = scaled();
      return;
    }
    for (const [name, kind] of [["sample", "main"], ["greedy", ""], ["back", ""], ["forward", ""], ["play", ""]]) {
      const made = button(say(name), kind, () => page.next.act(name));
      made.dataset.act = name;
      made.title = say(name + "_why");
      place.append(made);
    }
    const speed = element("select");
    speed.setAttribute("aria-label", say("speed"));
    for (const [value, text] of [[1000, "1/s"], [400, "2.5/s"], [150, "6/s"], [0, "max"]]) {
      const option = element("option", "", text);
      option.value = value;
      if (value === 400) option.selected = true;
      speed.append(option);
    }
    const scale = element("label");
    const box = element("input");
    box.type = "checkbox";
    box.addEventListener("change", () => { log = box.checked; drawChart(); page.next.changed(); });
    scale.append(box, " " + say("log"));
    place.append(speed, scale);
    drawActs();
  };

  const drawTree = () => {
    const place = part("tree");
    place.replaceChildren();
    if (roots.every((root) => !root.children.length) && roots.length < 2) { place.append(element("p", "pg-note", say("tree_empty"))); return; }
    const path = new Set();
    for (let at = here; at; at = at.parent) path.add(at);
    const mark = (at) => {
      const made = button("", "nx-node" + (at === here ? " here" : path.has(at) ? " on" : ""), () => { stop(); go(at); });
      if (at.token) {
        made.append(chip(at.token.token), element("small", "", percent(at.token.p)));
        made.title = say("rank", { n: number(at.token.rank) });
      } else made.append(element("span", "nx-root", "… " + at.tokens.filter((each) => each.token[4] !== "special").slice(-3).map((each) => shownText(each.token)).join("")));
      return made;
    };
    const branch = (at, list) => { // a chain stays on one line, a fork begins new ones
      const line = element("li");
      list.append(line);
      for (;;) {
        line.append(mark(at));
        if (at.children.length !== 1) break;
        at = at.children[0];
      }
      if (!at.children.length) return;
      const more = element("ul");
      line.append(more);
      for (const each of at.children) branch(each, more);
    };
    const all = element("ul");
    for (const root of roots) branch(root, all);
    place.append(element("h5", "", say("tree")), all);
  };

  const drawFind = () => {
    const place = part("find");
    if (place.childElementCount) return;
    const box = element("input");
    box.type = "search";
    box.placeholder = say("find_hint");
    box.setAttribute("aria-label", say("find"));
    const list = element("div", "nx-found");
    let timer = 0, turn = 0;
    const find = async () => {
      const mine = ++turn;
      if (!box.value || !view() || stale()) { list.replaceChildren(); return; }
      try {
        const answer = await ask("next/find", given({ ids: view().ids, query: box.value }), { quiet: true });
        if (mine !== turn) return;
        list.replaceChildren(...answer.found.map((each) => {
          const made = button("", "nx-row hit", () => { stop(); step(each.token[0]); });
          made.append(element("span", "nx-rank", number(each.rank)), chip(each.token), element("span", "nx-value", percent(each.p)),
            element("span", "nx-why", each.gone ? say("gone_" + each.gone) : say("chance", { p: percent(each.chance) })));
          made.title = say("row", { id: each.token[0], piece: each.token[1] });
          return made;
        }));
        if (answer.total > answer.found.length) list.append(element("p", "pg-note", say("find_more", { n: number(answer.total) })));
        const id = box.value.trim(), beyond = /^\d+$/.test(id) && Number(id) > answer.last;
        if (!answer.found.length) list.append(element("p", "pg-note", beyond ? say("find_range", { id, last: number(answer.last) }) : say("find_none")));
      } catch (error) { if (mine === turn) list.replaceChildren(element("p", "pg-warning", why(error))); }
    };
    box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 250); });
    place.append(element("h5", "", say("find")), box, list);
    page.next.refind = find;
  };

  // ---- auto-play ----

  const stop = () => { if (playing) { playing = null; drawActs(); } };
  const play = async () => {
    const mine = (playing = {});
    drawActs();
    for (let count = 0; playing === mine && count < MOST; count++) {
      const speed = Number(part("acts").querySelector("select").value);
      const began = performance.now();
      if (!(await step("sample")) || playing !== mine) break;
      const last = here.tokens.at(-1);
      if (last && last.end) break;
      await new Promise((ready) => setTimeout(ready, Math.max(0, speed - (performance.now() - began))));
    }
    if (playing === mine) stop();
  };

  const acts = {
    look: () => { stop(); lookAt(); },
    sample: () => { stop(); step("sample"); },
    greedy: () => { stop(); step("greedy"); },
    back: () => { stop(); if (peek) { quit(); peek = null; draw(); weigh(); } else if (here && here.parent) { const from = here; go(here.parent); here.last = from; drawActs(); } },
    forward: () => { stop(); if (here && here.last) go(here.last); },
    play: () => (playing ? stop() : play()),
  };

  // ---- listening ----

  document.addEventListener("click", (event) => {
    const token = event.target.closest && event.target.closest("#next-frame .nx-text .ct");
    if (token) { stop(); toPlace(Number(token.dataset.at)); }
  });
  document.addEventListener("keydown", (event) => {
    const token = event.target.closest && event.target.closest("#next-frame .nx-text .ct");
    if (token && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); toPlace(Number(token.dataset.at)); }
  });
  // Gradio tells of a slider's move some time later; whoever drags wants to see it at once.
  const SLIDERS = { "next-temperature": "temperature", "next-top-k": "top_k", "next-top-p": "top_p" };
  document.addEventListener("input", (event) => {
    const slider = event.target.type === "range" && event.target.closest("#next-temperature, #next-top-k, #next-top-p");
    if (!slider || !settings.model) return;
    settings[SLIDERS[slider.id]] = Number(event.target.value);
    check();
  });
  window.addEventListener("pagehide", () => { stop(); if (running) running.abort(); });

  // Gradio draws the frame anew (a language, a tab): what was tried comes back into it.
  const drawn = () => {
    const place = frame();
    if (!place || place.dataset.drawn) return;
    place.dataset.drawn = "1";
    if (unread) { dim(unread); calm(); }
    if (!here) {
      const example = data().example;
      example.asked = JSON.stringify([1, 0, 1, 0, example.candidates.length]);
      of = good = JSON.stringify([example.prompt, example.model, "", false]);
      shown = JSON.stringify([example.model, "", false]);
      begin(example);
    } else draw();
    drawFind();
    check();
  };
  new MutationObserver(drawn).observe(document.documentElement, { childList: true, subtree: true });

  const asks = () => JSON.stringify([settings.prompt, settings.model, settings.quantization, settings.chat]);
  let timer = 0;
  const check = () => { // what is shown against what the controls say
    if (!frame() || !here || settings.model === undefined) return;
    if (!settings.model) {
      clearTimeout(timer);
      stop();
      if (running) running.abort();
      of = "";
      failed(say("no_model"));
      dim(said);
      return;
    }
    if (asks() === good && of !== good) { // again what is shown, after something that could not be read
      if (running && running.look) running.abort();
      of = good;
      dim("");
      calm();
    }
    if (asks() === of) { clearTimeout(timer); weigh(); return; }
    stop();
    clearTimeout(timer);
    timer = setTimeout(() => { if (asks() !== of) lookAt(); }, PAUSE);
  };
  let came = null;
  const brought = () => { // read once: what was read is gone
    if (!came) { try { came = JSON.parse(page.carried("next_token") || "{}"); } catch { came = {}; } }
    return came;
  };
  page.next = {
    act: (name) => acts[name](),
    changed: () => {}, weighed: () => {}, // the parts below listen, see next_inside.js
    sample: (name) => data().samples[name],
    keep: (values) => {
      settings = Object.fromEntries(NAMES.map((name, i) => [name, values[i]]));
      page.remember("next_token", { text: settings.prompt, name: settings.model, settings });
      check();
    },
    /* What came along from the page before, of all controls but the model; else what they begin with. */
    carried: (...begins) => {
      const asked = new URLSearchParams(location.search), kept = brought();
      const text = kept.text || (asked.get("tab") === "next_token" && asked.get("text"));
      return NAMES.filter((name) => name !== "model").map((name, i) =>
        name === "prompt" ? text || begins[i] : kept.settings && name in kept.settings ? kept.settings[name] : begins[i]);
    },
    carriedModel: () => brought().name || "",
    tools: { say, element, button, number, percent, chip, shownText, ask, given, why, board, written, rootOf, shown: () => JSON.parse(shown), view: () => view(), node: () => here, prompt: () => prompt, settings: () => settings, stop, stale },
  };
})();
