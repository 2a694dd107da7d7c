/*
 * The tokens of the Decoding panel under the pointer, a tap or the arrow keys: what else could have stood there.
 * What comes from vocabularies enters the page by textContent alone.
 */
(() => {
  "use strict";
  const known = new WeakMap(); // lane → its tokens as data
  const read = (place) => {
    if (!known.has(place)) known.set(place, JSON.parse(place.textContent));
    return known.get(place);
  };
  const { element, percent } = window.playground.tools;
  const spelled = (text) => text.replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "→");

  const leave = () => {
    for (const chip of document.querySelectorAll(".dec-t.here")) chip.classList.remove("here");
    for (const detail of document.querySelectorAll(".dec-detail")) {
      detail.hidden = true;
      detail.classList.remove("on", "high");
    }
  };
  const show = (lane, index) => {
    const data = lane.querySelector(":scope > .pg-data");
    const lanes = lane.parentElement;
    const words = lanes.querySelector(":scope > .pg-data");
    const detail = lanes.parentElement.querySelector(":scope > .dec-detail");
    const chip = lane.querySelectorAll(".dec-t")[index];
    if (!data || !words || !detail || !chip) return;
    const say = read(words);
    const [id, text, probability, chance, rank, others] = read(data)[index];
    leave();
    chip.classList.add("here");
    lane.dataset.at = index;
    const list = element("dl");
    for (const [name, value] of [[say.probability, percent(probability)], [say.rank, String(rank)], [say.chance, percent(chance)], [say.id, String(id)]]) {
      const pair = element("div");
      pair.append(element("dt", "", name), element("dd", "", value));
      list.append(pair);
    }
    const rest = element("ul", "dec-others");
    let left = 1;
    for (const [other, spelling, p] of others) {
      const row = element("li", other === id ? "on" : "");
      row.append(element("code", "", spelled(spelling) || "…"), element("span", "", percent(p)));
      rest.append(row);
      left -= p;
    }
    const row = element("li");
    row.append(element("span", "", say.rest), element("span", "", percent(Math.max(0, left))));
    rest.append(row);
    detail.replaceChildren(element("b", "", spelled(text)), list, element("small", "", say.others), rest);
    const box = lanes.getBoundingClientRect();
    detail.hidden = false;
    detail.classList.add("on");
    detail.style.left = `${box.left}px`;
    detail.style.width = `${box.width}px`;
    detail.classList.toggle("high", chip.getBoundingClientRect().bottom > innerHeight - detail.offsetHeight - 16);
  };
  const pointed = (event) => {
    const chip = event.target.closest && event.target.closest(".dec-lane .dec-t");
    if (!chip) return false;
    const lane = chip.closest(".dec-lane");
    show(lane, [...lane.querySelectorAll(".dec-t")].indexOf(chip));
    return true;
  };
  document.addEventListener("pointerover", (event) => {
    if (!pointed(event) && event.target.closest && !event.target.closest(".dec-lanes, .dec-detail")) leave();
  });
  document.addEventListener("click", (event) => { if (!pointed(event)) leave(); });
  document.addEventListener("focusout", (event) => {
    if (event.target.closest && event.target.closest(".dec-text")) leave();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    const text = event.target.closest && event.target.closest(".dec-lane .dec-text");
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!text || step === undefined) return;
    const lane = text.closest(".dec-lane");
    const last = lane.querySelectorAll(".dec-t").length - 1;
    show(lane, Math.min(Math.max(Number(lane.dataset.at ?? -1) + step, 0), last));
    event.preventDefault();
  });
})();
