/*
 * What the inspector tells of a part of the model: what it is for, its numbers, the lines of the config that make its
 * size, its code, and the handles that turn it.
 */
(() => {
  "use strict";
  const page = window.playground;
  const architecture = (page.architecture ||= {});
  const { element, filled, number, percent } = page.tools;
  const KEY = "architecture.part";

  const short = (count) => {
    for (const [size, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (count >= size) return `${Number((count / size).toPrecision(3))} ${unit}`;
    return String(count);
  };
  const shape = (sizes) => (sizes && sizes.length ? `[${sizes.map((each) => each.toLocaleString("en")).join(", ")}]` : "");
  const product = (dims) => (dims || []).map((each) => each.toLocaleString("en")).join(" × ");

  const figures = (scene, box) => {
    const { words } = scene, list = element("dl", "arc-figures");
    const tell = (key, value, more) => {
      if (!value) return;
      const told = element("dd", "", value);
      if (more) told.append(" ", element("small", "", more));
      list.append(element("dt", "", words[key]), told);
    };
    const product_ = box.dims && box.dims.length > 1 && box.n === box.dims[0] * box.dims[1] ? `${product(box.dims)} = ` : "";
    const share = scene.total ? percent((box.n * (box.times || 1)) / scene.total) : "";
    if (box.kind === "layer") {
      tell("params", number(box.n), `${share} ${words.share}`);
      tell("each", number(box.one), filled(words.of_layers, { count: box.count }));
    } else if (box.n) tell("params", product_ + number(box.n), box.slice ? `${share} ${words.share}` : "");
    else tell("params", words.none);
    const before = scene.before[box.id];
    if (before !== undefined && before !== box.n) tell("was", number(before), (box.n > before ? "+" : "−") + short(Math.abs(box.n - before)));
    if (box.tied) tell("tied", box.tied);
    tell("shape", shape(box.shape));
    if (box.flops) tell("flops", number(box.flops));
    return list;
  };

  const config = (scene, box) => {
    const made = element("pre", "pg-code arc-lines"), code = element("code");
    for (const [name, value, usual] of box.config) code.append(`"${name}": ${JSON.stringify(value)}${usual ? `  # ${scene.words.default}` : ""}\n`);
    made.tabIndex = 0;
    made.append(code);
    return made;
  };
  const coded = (box) => {
    const made = element("pre", "pg-code arc-lines"), lines = [box.module && `${box.name}: ${box.module}`, box.code].filter(Boolean);
    made.tabIndex = 0;
    made.append(element("code", "", lines.join("\n")));
    return made;
  };

  const body = (scene, box) => {
    const parts = [element("p", "", box.words), figures(scene, box)];
    const part = (key, inside) => parts.push(element("h4", "", scene.words[key]), inside);
    if (box.turns && box.turns.length) {
      const turns = element("div", "arc-turns");
      turns.append(...box.turns.filter((name) => name in scene.turns).map((name) => architecture.handle(scene, name)));
      if (turns.children.length) part("turn", turns);
    }
    if (box.config.length) part("config", config(scene, box));
    if (box.code || box.module) part("code", coded(box));
    return parts;
  };

  /* The one way to the inspector: tell of a box, or tell it anew if it is the one that is told of. */
  architecture.tell = (scene, box, from) => page.inspector.open({ key: KEY, title: box.title, body: body(scene, box), from });
  architecture.told = () => page.inspector && page.inspector.key === KEY;
  Object.assign(architecture, { short, shape, product, KEY });
})();
