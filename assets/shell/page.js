/*
 * The page's own behaviour: what rooms' scripts build with, the switches of the header, toasts, uploads.
 * Everything listens on document, since Gradio builds and rebuilds the page beneath.
 * What comes from texts and vocabularies enters the page by textContent alone.
 */
(() => {
  "use strict";
  const page = window.playground;

  // ---- what the panels' scripts build with ----

  const element = (name, kind, text) => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const button = (text, kind, act) => {
    const made = element("button", kind, text);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  };
  const number = (value, digits = 0) => value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const filled = (sentence, values = {}) => // "{n} tokens"
    sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  // A page over plain HTTP (a teacher's machine in a class) has no clipboard of the new kind.
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* the old way */ }
    const box = document.createElement("textarea");
    box.value = text;
    box.style.cssText = "position:fixed;opacity:0";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  };
  /* Copy at a click on a button, which says so for a while; whether it could. */
  const copying = async (button, text, told) => {
    const done = await copy(text);
    if (!done || button.classList.contains("done")) return done;
    const said = button.textContent;
    button.textContent = told;
    button.classList.add("done");
    setTimeout(() => { button.textContent = said; button.classList.remove("done"); }, 2000);
    return done;
  };
  const POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const percent = (share) => { // as playground/ui/html.py says it; what is tiny by powers of ten
    const value = 100 * share;
    if (share <= 0) return "0%";
    if (share >= 0.9995) return share >= 0.99995 ? "100%" : value.toFixed(2) + "%";
    if (share >= 0.0995) return value.toFixed(1) + "%";
    if (share >= 1e-6) return Number(value.toPrecision(2)) + "%";
    const [digit, power] = value.toExponential(0).split("e-");
    return `${digit}·10⁻${[...power].map((each) => POWERS[each]).join("")}%`;
  };
  page.tools = { element, button, number, percent, filled, copying };

  // ---- header ----

  const settle = () => {
    const theme = document.querySelector('[data-pg="theme"]');
    const language = document.querySelector('[data-pg="language"]');
    const large = document.querySelector('[data-pg="large"]');
    if (theme) theme.value = page.theme;
    if (language) language.value = page.lang;
    if (large) large.setAttribute("aria-pressed", String(page.large));
    return Boolean(theme);
  };
  const waiting = new MutationObserver(() => { if (settle()) waiting.disconnect(); });
  waiting.observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener("change", (event) => {
    const what = event.target.dataset && event.target.dataset.pg;
    if (what === "theme") page.setTheme(event.target.value);
    if (what === "language") {
      for (const [panel, state] of Object.entries(states)) keep(panel, JSON.stringify(state));
      page.setLanguage(event.target.value); // the page loads anew; what was typed and chosen comes along
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest('[data-pg="large"]');
    if (button) {
      page.setLarge(!page.large);
      button.setAttribute("aria-pressed", String(page.large));
    }
  });

  // ---- toasts: gradio titles them in English whatever it is told ----

  new MutationObserver(() => {
    const head = document.querySelector(".pg-head");
    for (const title of document.querySelectorAll(".toast-title")) {
      const kind = ["error", "warning", "info"].find((name) => title.classList.contains(name));
      const said = head && kind && head.dataset[kind];
      if (said && title.textContent.trim() !== said) title.textContent = said;
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  // ---- what comes along, and links ----

  const states = {}; // panel → what its controls hold
  page.remember = (panel, state) => { states[panel] = state; };
  const keep = (panel, value) => {
    try { sessionStorage.setItem("playground.carry." + panel, value); } catch { /* not kept, then */ }
  };
  page.carried = (panel) => {
    try {
      const value = sessionStorage.getItem("playground.carry." + panel) || "";
      sessionStorage.removeItem("playground.carry." + panel);
      return value;
    } catch { return ""; }
  };
  /* Values that the page before held, of controls that are built so; those that fit no more stay as built. */
  page.brought = (panel, built) => {
    let values = null;
    try { values = JSON.parse(page.carried(panel)); } catch { /* none */ }
    if (!Array.isArray(values) || values.length !== built.length) return built;
    const kind = (value) => (value === null ? "null" : Array.isArray(value) ? "list" : typeof value);
    return built.map((usual, i) => (kind(values[i]) === kind(usual) || [kind(values[i]), kind(usual)].includes("null") ? values[i] : usual));
  };
  /* What an event asks for: a number that grows, a hash of the rows and their model, and one of everything. */
  let events = 0;
  const hash = (values, made = 0x811c9dc5) => {
    for (const each of JSON.stringify(values)) made = Math.imul(made ^ each.codePointAt(0), 0x01000193) >>> 0;
    return made;
  };
  page.mark = (values) => { // the rows may be long: they are read once
    const rows = hash(values.slice(0, 6)), whole = hash(values.slice(6), rows);
    return `${++events}:${rows.toString(36)}:${whole.toString(36)}`;
  };
  // ---- files that the server would refuse are not sent at all ----

  document.addEventListener("change", (event) => {
    const input = event.target, near = input.type === "file" && input.closest(".tabitem");
    const told = near && near.querySelector("[data-upload-limit]");
    if (!told) return;
    told.hidden = ![...input.files].some((file) => file.size > Number(told.dataset.uploadLimit));
    if (told.hidden) return;
    event.stopImmediatePropagation();
    input.value = "";
  }, true);
})();
