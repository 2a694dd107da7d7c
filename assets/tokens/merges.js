/*
 * How a word's tokens grew: BPE's merges as a tree, from its characters at the top to its tokens at the foot. It can
 * be stepped (buttons, slider, its arrow keys) and played. Each `.mrg-tree` holds what it is drawn of as data.
 * Pieces enter the page by textContent alone.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, filled, number } = page.tools;
  const PACE = 900; // milliseconds a step is shown when it is played

  /* Nodes: the characters, then what each merge made, with the step that made it. */
  const grown = ({ start, steps }) => {
    const all = start.map((label, i) => ({ label, lo: i, hi: i, level: 0, step: 0 }));
    const now = [...all];
    steps.forEach((step, i) => {
      step.at.forEach((place, earlier) => { // each left half merged before it moves a place to the left
        const at = place - earlier, [left, right] = now.slice(at, at + 2);
        const made = { label: left.label + right.label, lo: left.lo, hi: right.hi, level: Math.max(left.level, right.level) + 1, step: i + 1, of: [left, right] };
        left.up = right.up = made;
        now.splice(at, 2, made);
        all.push(made);
      });
      now.forEach((node, j) => { if (node.step === i + 1) node.label = step.symbols[j]; }); // as the tokenizer spells it
    });
    return all;
  };
  const drawn = (node, levels) => {
    const made = element("div", "mrg-node"), chip = element("i", `t ${"abcd"[node.lo % 4]}`, node.label);
    made.style.gridColumn = `${node.lo + 1} / ${node.hi + 2}`;
    made.style.gridRow = `${node.level + 1} / ${node.up ? node.up.level + 1 : levels + 1}`;
    if (node.of) {
      const span = node.hi - node.lo + 1, middle = ({ lo, hi }) => (100 * ((lo + hi + 1) / 2 - node.lo)) / span;
      const fork = element("u", "mrg-fork");
      fork.style.left = `${middle(node.of[0])}%`;
      fork.style.right = `${100 - middle(node.of[1])}%`;
      made.append(fork, element("u", "mrg-down"));
    }
    chip.dir = "auto";
    made.append(chip);
    if (node.up) made.append(element("u", "mrg-stem"));
    return made;
  };

  const build = (place) => {
    const data = JSON.parse(place.querySelector(".pg-data").textContent), { words, steps } = data;
    const nodes = grown(data), levels = 1 + Math.max(...nodes.map((node) => node.level));
    const grid = element("div", "mrg-grid");
    grid.style.gridTemplateColumns = `repeat(${data.start.length}, minmax(max-content, 3.2rem))`;
    const shown = nodes.map((node) => [node, drawn(node, levels)]);
    grid.append(...shown.map(([, made]) => made));
    grid.setAttribute("role", "img");
    const told = element("p", "mrg-told"), tools = element("div", "mrg-tools");
    told.setAttribute("role", "status");
    let at = steps.length, timer = 0;
    const slider = element("input");
    Object.assign(slider, { type: "range", min: 0, max: steps.length, value: at });
    slider.setAttribute("aria-label", words.step_label);
    const show = (step) => {
      at = Math.min(Math.max(step, 0), steps.length);
      slider.value = at;
      for (const [node, made] of shown) {
        made.classList.toggle("later", node.step > at);
        made.classList.toggle("new", node.step === at && at > 0);
        made.classList.toggle("joined", Boolean(node.up) && node.up.step <= at);
      }
      const { left, right, rank, candidates } = steps[at - 1] || {};
      told.textContent = at ? filled(words.step, { n: at, of: steps.length, left, right, rank: number(rank), count: candidates }) : words.start;
      grid.setAttribute("aria-label", told.textContent);
      back.disabled = at === 0;
      on.disabled = at === steps.length;
    };
    const stop = () => { clearInterval(timer); timer = 0; play.textContent = words.play; };
    const step = (by) => { stop(); show(at + by); };
    const back = button("←", "", () => step(-1)), on = button("→", "", () => step(1));
    back.setAttribute("aria-label", words.back);
    on.setAttribute("aria-label", words.on);
    const play = button(words.play, "mrg-play", () => {
      if (timer) { stop(); return; }
      if (at === steps.length) show(0);
      play.textContent = words.pause;
      timer = setInterval(() => {
        if (!place.isConnected) { stop(); return; }
        show(at + 1);
        if (at === steps.length) stop();
      }, PACE);
    });
    slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
    tools.append(play, back, slider, on);
    const scroll = element("div", "mrg-scroll");
    scroll.tabIndex = 0; // what scrolls is reached by keys
    scroll.append(grid);
    place.append(...(steps.length ? [tools, told] : []), scroll);
    show(at);
  };
  const laid = new WeakSet();
  new MutationObserver(() => {
    for (const place of document.querySelectorAll(".mrg-tree")) {
      if (laid.has(place)) continue;
      laid.add(place);
      build(place);
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
