/*
 * The drawing: what `architecture.layout` placed, as buttons over lines. It is shown anew whenever a handle was turned;
 * scale, the opened layer, what is selected and the focus stay as they were.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { architecture } = page;
  const { element, button, filled } = page.tools;
  const SVG = "http://www.w3.org/2000/svg";

  const drawn = (name, attributes) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const at = (made, { x, y, w, h }) => {
    made.style.cssText = `left:${x}px;top:${y}px;width:${w}px` + (h === undefined ? "" : `;height:${h}px`);
    return made;
  };

  class Drawing {
    constructor(place) {
      this.place = place;
      this.opened = "layer0";
      this.chosen = "";
      this.root = element("div", "arc-draw");
      this.frame = element("div", "arc-frame");
      this.world = element("div", "arc-world");
      this.frame.append(this.world);
      this.root.append(this.tools(), this.frame, this.foot());
      place.replaceChildren(this.root);
      this.zoom = architecture.zooming(this.frame, this.world, (scale) => this.scaled(scale));
      this.frame.addEventListener("keydown", (event) => this.walk(event));
      this.frame.addEventListener("focusin", ({ target }) => { if (target.dataset.id) for (const each of this.buttons()) each.tabIndex = each === target ? 0 : -1; });
      new ResizeObserver(() => { if (this.scene && Math.abs(this.frame.clientWidth - this.width) > 4) this.draw(); }).observe(this.frame);
    }

    tools() {
      const tools = element("div", "arc-zoom");
      this.told = element("p", "arc-told");
      const press = (sign, key, act) => { const made = button(sign, "", act); made.dataset.say = key; return made; };
      tools.append(this.told, press("−", "zoom_out", () => this.zoom.larger(1 / 1.4)), press("⤢", "fit", () => this.zoom.to(1)), press("+", "zoom_in", () => this.zoom.larger(1.4)));
      return tools;
    }

    foot() {
      this.legend = element("div", "arc-legend");
      return this.legend;
    }

    scaled(scale) {
      this.world.style.setProperty("--z", Math.sqrt(scale));
      this.frame.dataset.level = scale < 1.5 ? "0" : scale < 3 ? "1" : "2";
      for (const each of this.root.querySelectorAll("[data-say='zoom_out'], [data-say='fit']")) each.disabled = scale === 1;
    }

    show(scene) {
      this.scene = scene;
      if (!scene.layers.some((each) => each.id === this.opened)) this.opened = "layer0";
      this.frame.setAttribute("role", "group");
      this.frame.setAttribute("aria-label", filled(scene.words.label, { name: scene.name }));
      this.told.textContent = scene.told;
      for (const each of this.root.querySelectorAll("[data-say]")) { each.title = scene.words[each.dataset.say]; each.setAttribute("aria-label", each.title); }
      this.legend.replaceChildren(element("b", "", scene.words.legend), ...["a", "b", "c", "d", "e"].map((group) => {
        const made = element("span");
        made.append(element("i", `arc-dot ${group}`), scene.words[`group_${group}`]);
        return made;
      }), element("span", "arc-hint", scene.words.hint));
      this.draw();
      if (this.chosen && architecture.told()) { const box = this.box(this.chosen); if (box) architecture.tell(scene, box, this.button(this.chosen)); }
    }

    draw() {
      const { scene } = this, number = Math.max(0, scene.layers.findIndex((each) => each.id === this.opened));
      this.width = this.frame.clientWidth;
      if (!this.width) return; // not seen yet: the observer tells
      const plan = (this.plan = architecture.layout(scene, number, this.width, matchMedia("(pointer: coarse)").matches));
      const held = this.world.contains(document.activeElement) ? document.activeElement : null, turn = held && held.closest("[data-turn]");
      this.world.style.width = `${plan.width}px`;
      this.world.style.height = this.frame.style.height = `${plan.height}px`;
      const lines = drawn("svg", { width: plan.width, height: plan.height, "aria-hidden": "true" });
      for (const line of plan.lines) {
        if (line.d) lines.append(drawn("path", { d: line.d, class: line.kind }));
        else lines.append(drawn("circle", { cx: line.x, cy: line.y, r: line.kind === "plus" ? 9 : 4, class: line.kind }));
        if (line.kind === "plus") lines.append(drawn("path", { d: `M${line.x - 5} ${line.y} h10 m-5 -5 v10`, class: "sign" }));
      }
      this.world.classList.toggle("narrow", plan.narrow);
      this.world.replaceChildren(at(element("div", "arc-layer"), plan.layer), ...plan.halves.map((half) => this.half(half)), lines,
        ...plan.texts.map((text) => this.text(text)), ...plan.boxes.map((each) => this.made(each)), ...this.turns(plan));
      this.settle();
      this.zoom.apply();
      if (!held) return; // what had the focus has it again
      const anew = turn ? this.world.querySelector(`[data-turn="${turn.dataset.turn}"]`) : this.button(held.dataset.id);
      const there = anew && turn ? anew.children[[...turn.children].indexOf(held)] : anew;
      if (there) there.focus({ preventScroll: true });
    }

    half({ box, x, y, w, h }) {
      const made = at(element("div", `arc-half ${box.group}`), { x, y, w, h });
      const name = this.pressed(box, element("b", "", box.title));
      name.className = "arc-name-of";
      name.style.height = `${this.plan.line}px`;
      made.append(name);
      return made;
    }

    text({ what, x, y, w, high }) {
      const { scene } = this, { words } = scene;
      const made = at(element("p", `arc-at ${what}`), { x, y, w, h: high });
      if (what === "stream") made.append(element("b", "", words.stream), " ", element("code", "", architecture.shape([1, scene.tokens, scene.width])));
      if (what === "ids") made.append(element("b", "", words.ids), " ", element("code", "", architecture.shape([1, scene.tokens])), " ↓");
      if (what === "logits") { if (!scene.vocabulary) return made; made.append("↓ ", element("b", "", words.logits), " ", element("code", "", scene.vocabulary.toLocaleString("en"))); }
      return made;
    }

    pressed(box, ...inside) {
      const made = button("", "", () => this.choose(box, made));
      made.dataset.id = box.id;
      made.tabIndex = -1;
      made.append(...inside);
      made.addEventListener("dblclick", () => this.zoom.on({ x: made.offsetLeft + (made.parentElement === this.world ? 0 : made.parentElement.offsetLeft), y: made.offsetTop + (made.parentElement === this.world ? 0 : made.parentElement.offsetTop), w: made.offsetWidth, h: made.offsetHeight }));
      return made;
    }

    made({ box, x, y, w, h, fill, slice }) {
      const { words, before } = this.scene, layer = box.kind === "layer";
      const area = element("i", "arc-fill"), said = element("span", "arc-says");
      area.style.height = `${Math.max(fill, box.n ? 1 : 0)}px`;
      if (layer) area.style.setProperty("--each", `${Math.max(fill / box.count, 2)}px`);
      else if (box.stripes > 1 && box.stripes <= 128 && w / box.stripes > 2) area.style.setProperty("--each", `${w / box.stripes}px`);
      if (layer || area.style.getPropertyValue("--each")) area.classList.add(layer ? "layers" : "stripes");
      const made = this.pressed(box, area, said);
      at(made, { x, y, w, h });
      made.className = `arc-box ${box.group}` + (slice ? " slice" : "") + (box.tied ? " tied" : "") + (h < 38 ? " thin" : "") + (box.dims || layer ? "" : " bare");
      if (layer && box.count > 1) said.append(element("b", "arc-times", `${box.count} ×`));
      said.append(element("b", "", box.title));
      if (box.name && box.name !== box.title) said.append(element("code", "", box.name));
      if (box.n) said.append(element("span", "n", architecture.short(box.n)));
      if (before[box.id] !== undefined && before[box.id] !== box.n) said.append(element("em", box.n > before[box.id] ? "more" : "less", (box.n > before[box.id] ? "+" : "−") + architecture.short(Math.abs(box.n - before[box.id]))));
      if (box.tied) said.append(element("small", "", "⇄"));
      if (box.used) said.append(element("small", "", filled(words.experts, { used: box.used, count: box.stripes })));
      if (box.dims && box.dims.length > 1) said.append(element("small", "d", architecture.product(box.dims)));
      if (box.shape && box.shape.length) said.append(element("small", "s", `→ ${architecture.shape(box.shape)}`));
      const told = [layer && box.count > 1 ? `${box.count} × ${box.title}` : box.title, box.name, box.n ? `${box.n.toLocaleString("en")} ${words.params}` : words.none];
      made.setAttribute("aria-label", told.filter(Boolean).join(", "));
      made.title = told.filter(Boolean).join(" · ");
      return made;
    }

    turns(plan) {
      const groups = new Map();
      for (const each of plan.handles) { const key = `${each.x} ${each.y}`; groups.set(key, [...(groups.get(key) || []), each]); }
      return [...groups.values()].map((list) => {
        const { x, y } = list[0], made = element("div", "arc-handles");
        made.style.cssText = `left:${x}px;top:${y}px`;
        made.append(...list.map((each) => architecture.handle(this.scene, each.name)));
        return made;
      });
    }

    // ---- what is selected ----

    buttons() { return [...this.world.querySelectorAll("[data-id]")]; }
    button(id) { return this.world.querySelector(`[data-id="${CSS.escape(id)}"]`); }
    box(id) {
      const { slices, layers } = this.scene, all = [...slices.map((each) => ({ ...each, slice: true })), ...layers.flatMap((each) => [each, ...each.halves.flatMap((half) => [half, ...half.rows.flat(), ...half.post])])];
      return all.find((each) => each.id === id);
    }
    settle() {
      const all = this.buttons(), held = all.find((each) => each.dataset.id === this.chosen) || all[0];
      for (const each of all) { each.tabIndex = each === held ? 0 : -1; each.setAttribute("aria-pressed", String(each.dataset.id === this.chosen)); each.classList.toggle("opened", each.dataset.id === this.opened); }
    }
    choose(box, from) {
      this.chosen = box.id;
      if (box.kind === "layer" && this.opened !== box.id) { this.opened = box.id; this.draw(); } else this.settle();
      architecture.tell(this.scene, this.box(box.id), from.isConnected ? from : this.button(box.id));
    }
    walk(event) { // to the nearest one in the direction of an arrow
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way || event.shiftKey || event.defaultPrevented || !event.target.dataset.id) return;
      event.preventDefault();
      const middle = (each) => { const box = each.getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]; };
      const [x, y] = middle(event.target);
      let best = null, least = Infinity;
      for (const each of this.buttons()) {
        const [dx, dy] = middle(each).map((value, i) => value - [x, y][i]), along = dx * way[0] + dy * way[1], beside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        if (each === event.target || along <= 2) continue;
        if (along + 2.5 * beside < least) { least = along + 2.5 * beside; best = each; }
      }
      if (!best) return;
      best.focus({ preventScroll: true });
      this.zoom.reveal({ x: best.offsetLeft, y: best.offsetTop, w: best.offsetWidth, h: best.offsetHeight });
    }
  }

  const drawings = new WeakMap(); // a place's body → what is drawn there
  const show = (place, scene) => {
    const known = drawings.get(place), made = known && known.root.isConnected ? known : new Drawing(place);
    drawings.set(place, made);
    made.show(scene);
  };
  page.parts.drawing = { show };
})();
