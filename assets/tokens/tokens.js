/*
 * Tokens under the pointer, a tap or the arrow keys: the same place of the text under every tokenizer.
 * Everything listens on document, since Gradio builds and rebuilds the page beneath.
 * What comes from texts and vocabularies enters the page by textContent alone.
 */
(() => {
  "use strict";

  const cache = new WeakMap(); // lane → {data, chips}; a new answer makes new lanes
  const read = (element) => JSON.parse(element.textContent);

  const laneOf = (section) => {
    let lane = cache.get(section);
    if (!lane) {
      lane = {
        data: read(section.querySelector(':scope > .pg-data')),
        chips: [...section.querySelectorAll(".tok-text .t")],
        name: section.dataset.name,
      };
      cache.set(section, lane);
    }
    return lane;
  };
  const common = (lanes) => {
    let shared = cache.get(lanes);
    if (!shared) {
      shared = read(lanes.querySelector(':scope > .pg-data'));
      shared.points = [...shared.text]; // code points, as Python counts
      cache.set(lanes, shared);
    }
    return shared;
  };

  const clear = (lanes) => {
    for (const chip of lanes.querySelectorAll(".here, .same")) chip.classList.remove("here", "same");
  };
  const firstEndingAfter = (ends, at) => { // ends never fall
    let low = 0, high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle] > at) high = middle; else low = middle + 1;
    }
    return low;
  };
  const overlapping = (data, start, end) => {
    const found = [];
    for (let i = firstEndingAfter(data.e, start); i < data.s.length && data.s[i] < end; i++) found.push(i);
    return found;
  };

  const row = (list, name, value, code) => {
    const term = document.createElement("dt");
    const description = document.createElement("dd");
    term.textContent = name;
    if (code) description.appendChild(document.createElement("code")).textContent = value;
    else description.textContent = value;
    const pair = document.createElement("div");
    pair.append(term, description);
    list.append(pair);
  };
  const spelled = (data, i) => `${data.p[data.i[i]][0]}\u00a0(${data.i[i]})`;

  const show = (section, index) => {
    const lanes = section.parentElement;
    const lane = laneOf(section);
    const { data, chips } = lane;
    if (index < 0 || index >= chips.length) return;
    const all = common(lanes);
    const [start, end] = [data.s[index], data.e[index]];
    const [piece, bytes, kind] = data.p[data.i[index]];
    clear(lanes);
    chips[index].classList.add("here");
    section.dataset.at = index;

    const detail = lanes.parentElement.querySelector(".tok-detail");
    const list = document.createElement("dl");
    const title = document.createElement("b");
    title.textContent = kind ? `${lane.name} · ${all.kinds[kind]}` : lane.name;
    row(list, all.labels.id, String(data.i[index]));
    row(list, all.labels.piece, piece, true);
    if (end > start) row(list, all.labels.text, all.points.slice(start - all.at, end - all.at).join(""), true);
    if (bytes) row(list, all.labels.bytes, bytes);
    row(list, all.labels.span, `${start}–${end}`);
    const others = [];
    for (const other of lanes.querySelectorAll(":scope > .tok-lane")) {
      if (other === section || end <= start) continue;
      const there = laneOf(other);
      const found = overlapping(there.data, start, end);
      for (const i of found) if (there.chips[i]) there.chips[i].classList.add("same");
      const some = found.slice(0, 8).map((i) => spelled(there.data, i)).join("  ");
      others.push([there.name, some + (found.length > 8 ? " …" : "") || all.labels.none]);
    }
    detail.replaceChildren(title, list);
    if (others.length) {
      const under = document.createElement("b");
      const rest = document.createElement("dl");
      under.textContent = all.labels.others;
      for (const [name, value] of others) row(rest, name, value, true);
      detail.append(under, rest);
    }
    place(detail, lanes, chips[index]);
  };

  // In sight wherever the token is: at the foot of the window, or at its top if the token is at the foot.
  const place = (detail, lanes, chip) => {
    const box = lanes.getBoundingClientRect();
    detail.classList.add("on");
    detail.style.left = `${box.left}px`;
    detail.style.width = `${box.width}px`;
    detail.classList.toggle("high", chip.getBoundingClientRect().bottom > innerHeight - detail.offsetHeight - 16);
  };
  const leave = () => {
    for (const detail of document.querySelectorAll(".tok-detail.on")) {
      detail.classList.remove("on", "high");
      detail.removeAttribute("style");
    }
  };

  const pointed = (event) => {
    const chip = event.target.closest && event.target.closest(".tok-lane .tok-text .t, .tok-lane .tok-text .g");
    if (!chip) return;
    const section = chip.closest(".tok-lane");
    const leaf = chip.classList.contains("t") ? chip : chip.querySelector(".t");
    show(section, laneOf(section).chips.indexOf(leaf));
  };
  document.addEventListener("pointerover", (event) => {
    pointed(event);
    if (event.target.closest && !event.target.closest(".tok-lanes, .tok-detail")) leave();
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.closest && event.target.closest(".tok-lane .tok-text")) leave();
  });
  document.addEventListener("click", pointed);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    const text = event.target.closest && event.target.closest(".tok-lane .tok-text");
    const right = text && getComputedStyle(text).direction === "rtl" ? -1 : 1;
    const step = { ArrowRight: right, ArrowLeft: -right, Home: -Infinity, End: Infinity }[event.key];
    if (!text || step === undefined) return;
    const section = text.closest(".tok-lane");
    const last = laneOf(section).chips.length - 1;
    const at = Number(section.dataset.at ?? -1) + step;
    show(section, Math.min(Math.max(at, 0), last));
    const here = section.querySelector(".here");
    if (here) here.scrollIntoView({ block: "nearest" });
    event.preventDefault();
  });
})();
