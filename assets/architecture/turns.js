/*
 * What-if as handles: a number of the config with less and more, on the drawing and in the inspector. The value is
 * the control's own in the store, so that the What-if view, a link and the drawing always say the same.
 */
(() => {
  "use strict";
  const page = window.playground;
  const architecture = (page.architecture ||= {});
  const { element, button, filled } = page.tools;

  const id = (name) => `architecture.${name}`;
  const value = (scene, name) => page.store.get(id(name)) ?? scene.turns[name][0];
  const set = (name, to) => page.store.set({ [id(name)]: to }, "visitor", id(name));

  // The next value that can be: heads divide the width, key and value heads divide the heads, halves are whole.
  const divisor = (whole, now, up, fits = () => true) => {
    for (let next = now + up; next >= 1 && next <= whole; next += up) if (whole % next === 0 && fits(next)) return next;
    return now;
  };
  const steps = {
    num_hidden_layers: (now, up) => now + up,
    num_attention_heads: (now, up, scene) => divisor(value(scene, "hidden_size"), now, up, (next) => (value(scene, "hidden_size") / next) % 2 === 0),
    num_key_value_heads: (now, up, scene) => divisor(value(scene, "num_attention_heads"), now, up),
    hidden_size: (now, up, scene) => {
      const unit = 2 * (value(scene, "num_attention_heads") || 1);
      return now + up * Math.max(1, Math.round(now / 8 / unit)) * unit;
    },
    intermediate_size: (now, up) => now + up * Math.max(1, Math.round(now / 8 / 64)) * 64,
    vocab_size: (now, up) => now + up * Math.max(1, Math.round(now / 8 / 100)) * 100,
    max_position_embeddings: (now, up) => (up > 0 ? now * 2 : Math.ceil(now / 2)),
  };

  /* A handle: less, the number itself, more. Up and Down turn it, too; `large` where there is room for its name. */
  const handle = (scene, name) => {
    const words = scene.words, named = words[name] || name, [now, first] = scene.turns[name];
    if (typeof first === "boolean") {
      const made = element("label", "arc-turn"), box = element("input");
      box.type = "checkbox";
      box.checked = Boolean(value(scene, name));
      box.addEventListener("change", () => set(name, box.checked));
      made.append(box, element("span", "", named));
      return made;
    }
    const made = element("div", "arc-turn"), box = element("input");
    made.dataset.turn = name;
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", named);
    Object.assign(box, { type: "number", min: "1", inputMode: "numeric", value: String(value(scene, name)) });
    box.setAttribute("aria-label", named);
    box.style.setProperty("--digits", String(now).length);
    const turn = (up) => {
      const next = steps[name](Number(box.value) || now, up, scene);
      if (next < 1 || next === Number(box.value)) return;
      box.value = String(next);
      set(name, next);
    };
    box.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      turn(event.key === "ArrowUp" ? 1 : -1);
    });
    box.addEventListener("change", () => {
      const typed = Number(box.value);
      if (Number.isInteger(typed) && typed >= 1) set(name, typed); else box.value = String(value(scene, name));
    });
    const less = button("−", "", () => turn(-1)), more = button("+", "", () => turn(1));
    less.setAttribute("aria-label", filled(words.less, { name: named }));
    more.setAttribute("aria-label", filled(words.more, { name: named }));
    for (const each of [less, more]) each.tabIndex = -1; // by keys the number itself is turned
    made.append(element("span", "", named), less, box, more);
    made.classList.toggle("turned", now !== first);
    if (now !== first) made.title = filled(words.before, { n: first.toLocaleString("en") });
    return made;
  };

  Object.assign(architecture, { handle });
})();
