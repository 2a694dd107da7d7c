/*
 * What is looked at closer in the Next token room: attention and the logit lens as layers of the picture, and what is
 * folded below it: the walk, side by side, how the tutor learned. Each is filled when it is opened, and follows what is
 * looked at above as long as it is seen.
 */
(() => {
  "use strict";
  const page = window.playground, next = page.next, state = next.state;
  const { element, button, number } = page.tools;
  const { say, percent, chip, shownText, ask, given, why, board, written, rootOf, view, settings, stale } = next;

  const place = (name) => document.querySelector(`#next-${name}-view`);
  const visible = (name) => { const found = place(name); return found && found.offsetParent !== null; };
  const shown = () => JSON.parse(state.shown); // what the tree is of: model, precision, chat

  // ---- the walk ----

  const vector = (values, more) => "[" + values.map((value) => value.toFixed(2)).join(", ") + (more ? ", …]" : "]");
  /* How the ids came about: the whole prompt, cut where a place inside it is looked at, and what was appended. */
  const cut = (at) => {
    const { prompt } = state, [, , chat] = shown();
    const begun = Math.min(rootOf(state.here).ids.length, at.ids.length), more = at.ids.slice(begun);
    const lines = chat && !prompt.plain
      ? [`messages = [{"role": "user", "content": ${prompt.parts ? `[{"type": "text", "text": prompt}]` : "prompt"}}]`, `input_ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt").input_ids`]
      : [`input_ids = tokenizer(prompt, return_tensors="pt").input_ids`];
    if (begun < prompt.ids.length) lines.push(`input_ids = input_ids[:, :${begun}]`);
    if (more.length) lines.push(`input_ids = torch.cat([input_ids, torch.tensor([[${(more.length > 12 ? ["...", ...more.slice(-11)] : more).join(", ")}]])], dim=-1)`);
    return lines.join("\n");
  };
  const walk = () => {
    const at = view(), look = at.look, top = look.weighed, kept = settings();
    const ids = at.ids.length > 12 ? "[…, " + at.ids.slice(-11).join(", ") + "]" : "[" + at.ids.join(", ") + "]";
    const best = look.candidates.slice(0, 3).map((token, i) => `${shownText(token)} ${percent(top.own[i])}`).join("   ");
    const last = look.candidates.slice(0, 3).map((token, i) => `${shownText(token)} ${percent(top.final[i])}`).join("   ");
    const steps = [
      ["ids", cut(at), `[1, ${look.n}]`, ids],
      ["hidden", `hidden = model.${look.base || "base_model"}(input_ids).last_hidden_state`, `[1, ${look.n}, ${look.hidden_size}]`, `hidden[0, -1] = ${vector(look.hidden, true)}`],
      ["logits", `logits = model.${look.head || "lm_head"}(hidden)`, `[1, ${look.n}, ${look.vocabulary}]`, `logits[0, -1] = ${vector(look.logits, true)}`],
      ["last", `last = logits[0, -1].float()`, `[${look.vocabulary}]`, look.candidates.slice(0, 3).map((token, i) => `${shownText(token)} ${number(top.logit[i], 2)}`).join("   ")],
      ["softmax", `probabilities = last.softmax(-1)`, `[${look.vocabulary}]`, best],
      ["choice", kept.temperature === 0 ? `next_id = last.argmax()` : `next_id = torch.multinomial(filtered.softmax(-1), 1)`, `[1]`, last],
    ];
    const list = element("ol", "tok-steps nx-walk");
    for (const [name, code, shape, values] of steps) {
      const item = element("li");
      const head = element("h5", "", say("walk_" + name));
      head.append(element("span", "nx-shape", shape));
      const lines = element("pre", "pg-code");
      lines.append(element("code", "", `${code}\n# ${values}`));
      item.append(head, lines);
      list.append(item);
    }
    const notes = [];
    if (look.vocabulary > look.entries) notes.push(say("walk_padded", { rows: number(look.vocabulary), entries: number(look.entries) }));
    if (look.ms !== undefined) notes.push(say("walk_time", { ms: number(look.ms, 1), read: number(look.n - look.reused), reused: number(look.reused) }));
    place("walk").replaceChildren(list, ...notes.map((each) => element("p", "pg-note", each)));
  };

  // ---- what asks the server: once for each thing looked at ----

  const marks = {};
  const fill = (name, work) => async () => {
    if (stale()) return; // filled when that look has come
    const at = view(), mark = JSON.stringify([at.ids, settings().model, settings().quantization, name === "attention" ? heads : 0]);
    if (marks[name] === mark && place(name).childElementCount) return;
    marks[name] = mark;
    const found = place(name);
    if (!found.childElementCount) found.append(element("p", "pg-note", "…"));
    found.classList.add("nx-asking");
    try {
      const answer = await work(at);
      if (marks[name] === mark) answer();
    } catch (error) {
      if (marks[name] === mark) { found.replaceChildren(element("p", "pg-warning", why(error))); marks[name] = ""; }
    } finally { if (marks[name] === mark || !marks[name]) found.classList.remove("nx-asking"); }
  };
  const lens = fill("lens", async (at) => {
    const { html } = await ask("next/lens", given({ ids: at.ids }), { quiet: true });
    return () => {
      place("lens").innerHTML = html; // the server's own HTML; every text in it is escaped
      place("lens").prepend(element("p", "pg-note", say("about_lens")));
      const wide = place("lens").querySelector(".nx-lens");
      if (wide) wide.scrollLeft = wide.scrollWidth;
    };
  });

  let heads = { layer: -1, head: -1 }, looking = -1;
  let attended = null; // what the server told of it, and what draws it
  const attention = fill("attention", async (at) => {
    const answer = await ask("next/attention", given({ ids: at.ids, layer: heads.layer < 0 ? 0 : heads.layer, head: heads.head }), { quiet: true });
    return () => drawAttention(answer);
  });
  const chooser = (label, options, value, act) => {
    const made = element("label", "", label + " "), menu = element("select");
    for (const [id, text] of options) {
      const option = element("option", "", text);
      option.value = id;
      option.selected = id === value;
      menu.append(option);
    }
    menu.addEventListener("change", () => act(Number(menu.value)));
    made.append(menu);
    return made;
  };
  const drawAttention = (answer) => {
    const { tokens, matrix, layers } = answer, n = tokens.length;
    if (looking < 0 || looking >= n) looking = n - 1;
    const tools = element("div", "nx-tools");
    tools.append(
      chooser(say("layer_choice"), layers.map((layer, i) => [i, String(layer + 1)]), answer.layer, (layer) => { heads = { ...heads, layer }; attention(); }),
      chooser(say("head_choice"), [[-1, say("average")], ...Array.from({ length: answer.heads }, (_, i) => [i, String(i + 1)])], answer.head, (head) => { heads = { ...heads, head }; attention(); }),
    );
    const sentence = element("p", "pg-note");
    const canvas = element("canvas", "nx-heat");
    canvas.setAttribute("role", "img");
    const side = Math.max(6, Math.min(34, Math.floor(430 / n)));
    const draw = () => {
      next.painted();
      const best = matrix[looking].slice(0, looking + 1).map((value, i) => [value, i]).sort((a, b) => b[0] - a[0]).slice(0, 3);
      sentence.textContent = say("looks", { who: shownText(tokens[looking]), where: best.map(([value, i]) => `${shownText(tokens[i])} (${percent(value / 1000)})`).join(", ") });
      canvas.setAttribute("aria-label", sentence.textContent);
      const ratio = devicePixelRatio || 1, style = getComputedStyle(canvas);
      canvas.width = canvas.height = n * side * ratio;
      canvas.style.width = canvas.style.height = n * side + "px";
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      pen.fillStyle = style.getPropertyValue("--pg-accent");
      for (let row = 0; row < n; row++) for (let column = 0; column <= row; column++) {
        pen.globalAlpha = Math.sqrt(matrix[row][column] / 1000);
        pen.fillRect(column * side, row * side, side - 1, side - 1);
      }
      pen.globalAlpha = 1;
      pen.strokeStyle = style.getPropertyValue("--pg-warn");
      pen.strokeRect(0.5, looking * side + 0.5, (looking + 1) * side - 1, side - 1);
    };
    canvas.addEventListener("click", (event) => { looking = Math.min(n - 1, Math.max(0, Math.floor(event.offsetY / side))); draw(); });
    const notes = [], square = element("details");
    square.append(element("summary", "", say("square")), canvas, element("p", "pg-note", say("heat")));
    if (answer.start) notes.push(element("p", "pg-note", say("attention_last", { n: number(n) })));
    attended = { answer, draw };
    place("attention").replaceChildren(element("p", "pg-note", say("about_attention")), tools, sentence, square, ...notes);
    draw();
  };
  /* The tokens of the prompt, tinted by how much the chosen one looks at each. */
  next.painted = () => {
    const text = next.part("text"), on = Boolean(attended && visible("attention"));
    if (!text) return;
    text.classList.toggle("attends", on);
    for (const each of text.querySelectorAll(".ct")) {
      const i = on ? Number(each.dataset.at) - (attended.answer.start || 0) : -1, seen = i >= 0 && i <= looking ? attended.answer.matrix[looking][i] / 1000 : 0;
      each.classList.toggle("looks", on && i === looking);
      each.classList.toggle("unseen", on && i > looking);
      each.style.setProperty("--a", Math.sqrt(seen));
      each.dataset.seen = seen >= 0.05 ? percent(seen) : "";
    }
  };
  next.attending = (at) => {
    const i = attended && visible("attention") ? at - (attended.answer.start || 0) : -1;
    if (i < 0 || i >= attended.answer.tokens.length) return false;
    looking = i;
    attended.draw();
    return true;
  };

  // ---- side by side ----

  let other = null; // {look, settings, mark}; its settings are those that it was weighed with
  let asked = false; // whether to compare: from the first time on that the button is pressed
  let turn = 0;
  const context = () => JSON.stringify([view().ids, settings().model, settings().quantization, settings().chat]);
  /* What another model reads: the text up to the place that is looked at, in its own tokens; in a chat, what was
     asked and how the answer began, in its own template. Null inside a question: its template has no such place. */
  const readUpTo = () => {
    const { tokens, skipped = 0 } = state.here, mine = settings(), end = view().ids.length - skipped;
    const said = (list) => list.filter((each) => each.token[4] !== "special").map((each) => each.token[2]).join("");
    const first = tokens.findIndex((each) => each.made), read = first < 0 ? tokens.length : first;
    if (mine.chat) return end < read ? null : { prompt: mine.prompt, answer: said(tokens.slice(read, end)) };
    if (end >= read) return { prompt: mine.prompt + said(tokens.slice(read, end)) };
    const after = said(tokens.slice(end, read));
    return { prompt: mine.prompt.endsWith(after) ? mine.prompt.slice(0, mine.prompt.length - after.length) : said(tokens.slice(0, end)) };
  };
  const BESIDE = "next_token.beside_";
  /* The settings of the right side: its own four, the others are those of the left. */
  const right = () => {
    const own = (name) => page.store.get(BESIDE + name), { top_k, min_p, count } = settings();
    return { model: own("model"), quantization: own("precision") || "", temperature: own("temperature"), top_k, top_p: own("top_p"), min_p, count };
  };
  const compare = async () => {
    const found = place("beside"), mine = settings(), now = ++turn;
    if (stale()) return; // compared when that look has come
    const mark = context();
    if (!other) found.replaceChildren(element("p", "pg-note", say("thinking")));
    found.classList.add("nx-asking");
    try {
      const kept = right(), { model, quantization } = kept;
      const same = model === mine.model && quantization === mine.quantization;
      // The same ids for the same model; another one cuts the text by itself.
      const read = same ? { ids: view().ids } : readUpTo();
      if (!read) throw Object.assign(new Error(say("beside_chat")), { ours: true });
      const { look } = await ask("next/look", { ...given({ ...kept, ...read }), conversation: "" }, { quiet: true });
      if (now !== turn) return;
      other = { look, settings: kept, mark, same, plain: look.plain };
      drawBeside();
    } catch (error) {
      if (now === turn) { other = null; found.replaceChildren(element("p", "pg-warning", why(error))); }
    } finally { if (now === turn) found.classList.remove("nx-asking"); }
  };
  /* The logits of the right side are kept as well: other settings need no pass. */
  const weighBeside = async () => {
    const kept = right(), had = other && other.settings, found = place("beside");
    const fits = had && other.mark === context() && had.model === kept.model && had.quantization === kept.quantization;
    const { candidates, vocabulary, row } = fits ? other.look : {};
    if (!fits || (kept.count !== candidates.length && candidates.length < vocabulary)) { compare(); return; }
    if (JSON.stringify(had) === JSON.stringify(kept)) { if (found) found.classList.remove("nx-asking"); drawBeside(); return; }
    const now = ++turn;
    try {
      const answer = await page.once("next/weigh", given({ ...kept, prompt: "", row }));
      if (now !== turn) return;
      if (answer.gone) { compare(); return; }
      if (answer.error) throw Object.assign(new Error(answer.error), { ours: true });
      other.look.weighed = answer.weighed;
      other.settings = kept;
      found.classList.remove("nx-asking");
      drawBeside();
    } catch (error) {
      if (now === turn) { other = null; found.classList.remove("nx-asking"); found.replaceChildren(element("p", "pg-warning", why(error))); }
    }
  };
  const beside = () => { if (asked) weighBeside(); };
  let soon = 0;
  /* Other values on the right side: what is drawn is grey until it is theirs. */
  const recompare = () => {
    if (!asked) return;
    if (place("beside")) place("beside").classList.add("nx-asking");
    clearTimeout(soon);
    soon = setTimeout(() => { if (visible("beside")) weighBeside(); }, 300);
  };
  const titled = ({ model, quantization, temperature, top_k, top_p, min_p }) => {
    const told = (name, value, on) => name + " " + (on ? value : say("idle"));
    return [model, quantization, "T " + number(temperature ?? 1, 2), told("top-k", top_k, top_k > 0), told("top-p", top_p, top_p < 1), told("min-p", min_p, min_p > 0)].filter(Boolean).join(" · ");
  };
  const drawBeside = () => {
    const found = place("beside");
    if (!found || !other || other.mark !== context()) return; // never two different contexts
    const left = view().look, [temperature, top_k, top_p, min_p] = JSON.parse(left.asked);
    const plain = settings().chat && state.prompt.plain;
    const [model, quantization] = shown();
    const sides = [[left, { model, quantization, temperature, top_k, top_p, min_p }, plain], [other.look, other.settings, other.plain || (other.same && plain)]];
    const columns = sides.map(([look, how, plain], i) => {
      const column = element("section", "nx-side"), against = written(sides[1 - i][0]);
      column.append(element("h5", "", titled(how)), element("p", "pg-note", say("left", { n: number(look.weighed.left[2]) }) + " · " + say("bits", { n: number(look.weighed.bits[2], 2) })));
      if (plain) column.append(element("p", "pg-note nx-plain", say("no_template", { model: how.model })));
      const rows = element("div", "nx-chart");
      column.append(rows);
      board(rows, look, null, { other: new Map([...against].map(([text, value]) => [text, say("there", { p: value })])) });
      return column;
    });
    found.replaceChildren(...columns);
  };

  // ---- how the tutor learned ----

  let lesson = null, moment = -1, running = null, about = "";
  /* The prompt above, where its training was kept; another one of the list stays until the prompt changes. */
  const learning = () => {
    const { prompt, chat } = settings(), now = JSON.stringify([prompt, chat]);
    if (lesson && about === now && place("learning").childElementCount) return;
    about = now;
    learn(prompt, chat);
  };
  const learn = async (wanted, chat = false) => {
    const found = place("learning");
    if (!found.childElementCount) found.append(element("p", "pg-note", "…"));
    try {
      const mine = about, answer = await page.once("next/learning", { prompt: wanted, chat });
      if (mine !== about) return;
      lesson = answer;
      if (moment < 0 || moment >= lesson.moments.length) moment = lesson.moments.length - 1;
      drawLearning();
    } catch (error) { found.replaceChildren(element("p", "pg-warning", why(error))); }
  };
  const drawLearning = () => {
    if (running) { clearInterval(running); running = null; }
    const [text, chat] = JSON.parse(about);
    const kept = lesson.prompts.some(([kind, said]) => said === text && (kind === "chat") === Boolean(chat));
    const tools = element("div", "nx-tools");
    const menu = chooser(say("learning_prompt"), lesson.prompts.map(([kind, text], i) => [i, (kind === "chat" ? "💬 " : "") + text]), lesson.prompt, (n) => learn(n));
    const slider = element("input");
    Object.assign(slider, { type: "range", min: 0, max: lesson.moments.length - 1, step: 1, value: moment });
    slider.setAttribute("aria-label", say("moment"));
    const go = button(say("play"), "", () => {
      if (running) { clearInterval(running); running = null; go.textContent = say("play"); return; }
      moment = 0;
      go.textContent = say("pause");
      running = setInterval(() => {
        tell();
        if (++moment >= lesson.moments.length || !visible("learning")) { clearInterval(running); running = null; moment = Math.min(moment, lesson.moments.length - 1); go.textContent = say("play"); }
      }, 700);
      tell();
    });
    tools.append(menu, go);
    const line = element("p", "nx-moment"), rows = element("div", "nx-chart nx-learn"), sample = element("p", "nx-sample");
    const tell = () => {
      const shot = lesson.moments[moment];
      slider.value = moment;
      line.textContent = shot.loss === null || shot.loss === undefined
        ? say("moment_0") : say("moment_n", { step: number(shot.step), tokens: number(shot.tokens), loss: number(shot.loss, 2) });
      const best = shot.answers.slice(0, 8), rest = Math.max(0, 1 - best.reduce((sum, [, p]) => sum + p, 0));
      rows.replaceChildren(...[...best, [null, rest]].map(([text, p], i) => {
        const row = element("div", "nx-row" + (text === null ? " rest" : ""));
        const name = text === null ? element("span", "nx-name", say("rest_all")) : chip([0, text, text, "", text.startsWith("<|") ? "special" : "text"]);
        row.append(element("span", "nx-rank", text === null ? "" : String(i + 1)), name, element("span", "nx-bar"), element("span", "nx-value", percent(p)));
        row.children[2].append(element("i"));
        row.children[2].firstChild.style.width = 100 * p + "%";
        return row;
      }));
      sample.replaceChildren();
      if (shot.sample) sample.append(element("small", "", say("goes_on") + " "), element("q", "", shot.sample));
    };
    slider.addEventListener("input", () => { if (running) go.click(); moment = Number(slider.value); tell(); });
    place("learning").replaceChildren(...(kept ? [] : [element("p", "pg-note nx-kept", say("learning_only"))]), tools, slider, line, rows, sample);
    tell();
  };

  // ---- listening ----

  const parts = { walk, lens, attention, beside, learning };
  const layers = new Set(); // those that are on
  next.drawLayers = () => {
    const tools = next.part("layers");
    if (!tools) return;
    if (!tools.childElementCount) tools.append(element("b", "", say("inside")), ...["attention", "lens"].map((name) => {
      const made = button(say("layer_" + name), "", () => {
        if (!layers.delete(name)) layers.add(name);
        next.drawLayers();
        if (layers.has(name)) parts[name]();
      });
      made.dataset.layer = name;
      return made;
    }));
    for (const made of tools.querySelectorAll("button")) {
      const on = layers.has(made.dataset.layer);
      made.setAttribute("aria-pressed", String(on));
      if (place(made.dataset.layer)) place(made.dataset.layer).hidden = !on;
    }
    next.painted();
  };
  // What is folded is not in the page yet in the moment it is opened; on a busy machine its label changes late, too.
  const opening = async (label, name) => {
    for (let i = 0; i < 500; i++) {
      await new Promise((ready) => setTimeout(ready, 40));
      if (visible(name)) { parts[name](); return; }
      if (i > 25 && !label.classList.contains("open")) return; // it was folded
    }
  };
  document.addEventListener("click", (event) => {
    const label = event.target.closest && event.target.closest(".label-wrap"), part = label && label.closest("[id^='next-']");
    const name = part && part.id.slice("next-".length);
    if (name in parts) opening(label, name);
    if (event.target.closest && event.target.closest("#next-compare")) { asked = true; compare(); }
  });
  page.store.watch((changed) => { if (changed.some((id) => id.startsWith(BESIDE))) recompare(); });
  let timer = 0, later = 0;
  const follow = (names) => { for (const name of names) if (visible(name)) parts[name](); };
  next.changed = () => {
    clearTimeout(timer);
    clearTimeout(later); // all of that is done here, too
    timer = setTimeout(() => { follow(Object.keys(parts)); if (next.refind) next.refind(); }, 150);
  };
  next.weighed = () => { follow(["walk"]); clearTimeout(later); later = setTimeout(() => { follow(["beside"]); if (next.refind) next.refind(); }, 200); };
})();
