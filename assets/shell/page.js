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
    (document.querySelector("dialog[open]") || document.body).append(box); // beside an open dialog nothing can be selected
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
    if (share >= 0.9995) return share >= 0.9999995 ? "100%" : share >= 0.99995 ? "> 99.99%" : value.toFixed(2) + "%";
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
    if (what === "language") page.setLanguage(event.target.value); // the page loads anew; the store brings all back
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
