/*
 * The tokens of the Decoding room: a click or the arrow keys tell in the inspector what else could have stood there,
 * or, in the beam tree, everything that was looked at in that step. What comes from vocabularies enters the page by
 * textContent alone.
 */
(() => {
  "use strict";
  const page = window.playground;
  const known = new WeakMap(); // an element of data → what it holds
  const read = (place) => {
    if (!known.has(place)) known.set(place, JSON.parse(place.textContent));
    return known.get(place);
  };
  const { element, percent, filled } = page.tools;
  const spelled = (text) => text.replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "→");
  const dataOf = (place) => read(place.querySelector(":scope > .pg-data"));
  const KEY = "decoding.token";

  const row = (name, value, kind = "") => {
    const made = element("li", kind);
    made.append(...[].concat(name), element("span", "", value));
    return made;
  };
  const mark = (chip) => {
    for (const other of document.querySelectorAll(".dec-t.here")) other.classList.remove("here");
    if (chip) chip.classList.add("here");
  };
  const chips = (text) => [...text.querySelectorAll(".dec-t")];

  const token = (lane, index) => { // of a text
    const say = dataOf(lane.parentElement), [id, text, probability, chance, rank, others] = dataOf(lane)[index];
    const facts = element("ul", "dec-others");
    for (const [name, value] of [["probability", percent(probability)], ["rank", String(rank)], ["chance", percent(chance)], ["id", String(id)]])
      facts.append(row(element("span", "", say[name]), value));
    const list = element("ul", "dec-others bars");
    let left = 1;
    for (const [other, spelling, p] of others) {
      const made = row(element("code", "", spelled(spelling) || "…"), percent(p), other === id ? "on" : "");
      made.style.setProperty("--p", p);
      list.append(made);
      left -= p;
    }
    list.append(row(element("span", "", say.rest), percent(Math.max(0, left))));
    return { title: `${say.token} ${spelled(text)}`, body: [facts, element("h5", "", say.others), list] };
  };
  const candidates = (tree, chip) => { // of a step of the beam search
    const { words, steps } = dataOf(tree), step = Number(chip.dataset.step), order = Number(chip.dataset.order);
    const list = element("ul", "dec-others bars");
    steps[step].forEach(([before, text, p, total, fate], place) => {
      const way = element("span", "way");
      way.append(before || words.prompt, element("code", "", spelled(text)));
      const made = row(way, `${percent(p)} · ${total} · ${words[fate]}`, `${fate}${place === order ? " on" : ""}`);
      made.style.setProperty("--p", p);
      list.append(made);
    });
    return { title: filled(words.step, { step: step + 1 }), body: [element("p", "pg-note", words.step_told), list] };
  };
  const show = (chip) => {
    const tree = chip.closest(".dec-tree"), lane = chip.closest(".dec-lane");
    if (!tree && !lane) return false;
    const text = tree ? chip.closest(".dec-way").firstElementChild : lane.querySelector(".dec-text");
    if (!(tree || lane).querySelector(":scope > .pg-data")) return false; // it is still being written
    const told = tree ? candidates(tree, chip) : token(lane, chips(text).indexOf(chip));
    page.inspector.open({ key: KEY, ...told, from: tree ? chip : text });
    mark(chip);
    return true;
  };

  document.addEventListener("click", (event) => {
    const chip = event.target.closest && event.target.closest(".dec-lane .dec-text .dec-t, .dec-tree .dec-t");
    if (chip) { show(chip); return; }
    const again = event.target.closest && event.target.closest(".dec-replay");
    if (!again) return;
    const whole = again.closest(".dec");
    whole.classList.remove("plays");
    void whole.offsetWidth; // else the browser sees no change
    whole.classList.add("plays");
  });
  document.addEventListener("playground:inspector", ({ detail }) => { if (detail.key !== KEY) mark(null); });
  // A text, or the whole tree, is one stop of the Tab key; the arrows walk in it.
  document.addEventListener("keydown", (event) => {
    const text = event.target.closest && event.target.closest(".dec-lane .dec-text, .dec-tree");
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!text || step === undefined) return;
    const all = chips(text), at = all.findIndex((each) => each.classList.contains("here"));
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    if (!next || !show(next)) return;
    next.scrollIntoView({ block: "nearest" });
    event.preventDefault();
  });
})();
