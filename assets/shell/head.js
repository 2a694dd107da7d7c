/*
 * Runs first of all in every page: playground/shell/middleware.py puts it right after <head>, as source, with
 * `window.playground = {"lang": "<the language that the page was sent in>", ...}` before it
 * (playground/shell/scripts.py, "told").
 *
 * It settles what must stand before Gradio starts and before anything is painted: the language, light
 * or dark, and the size of the text. What it leaves behind for the page's own switches:
 *
 *   playground.lang                  "en", "zh-TW" or "zh-CN"
 *   playground.setLanguage(tag)      stores the choice and loads the page again in that language
 *   playground.theme                 "light", "dark" or "system"
 *   playground.setTheme(theme)       switches at once, and stores the choice
 *   playground.large                 true or false
 *   playground.setLarge(large)       switches class "large" on <html> at once, and stores the choice
 *   playground.match(tag)            the language of ours that serves a tag, or null
 *
 * `playground:theme` and `playground:large` are dispatched on document after a switch.
 */
(() => {
  "use strict";
  const sent = window.playground.lang;
  const root = document.documentElement;
  const query = new URLSearchParams(location.search);

  // In a frame of another site, or with site data blocked, localStorage throws: then nothing lasts,
  // but everything works.
  const recall = (key) => {
    try { return localStorage.getItem("playground." + key); } catch { return null; }
  };
  const keep = (key, value) => {
    try {
      if (value === null) localStorage.removeItem("playground." + key);
      else localStorage.setItem("playground." + key, value);
    } catch { /* see above */ }
  };

  // ---- language ----

  // The same rule as match() in playground/text.py; a test holds the two together.
  const match = (tag) => {
    const parts = String(tag || "").trim().toLowerCase().replaceAll("_", "-").split("-");
    if (parts[0] === "en") return "en";
    if (parts[0] !== "zh") return null;
    if (parts.includes("hans")) return "zh-CN";
    return ["hant", "tw", "hk", "mo"].some((part) => parts.includes(part)) ? "zh-TW" : "zh-CN";
  };

  // The server sends the page in one language, and hears of a choice by this cookie or by the address.
  const COOKIE = "playground-lang";
  const toldServer = () => {
    try { return (document.cookie.match(`(?:^|; )${COOKIE}=([^;]*)`) || [])[1]; } catch { return undefined; }
  };
  const tellServer = (lang) => {
    try { document.cookie = `${COOKIE}=${lang}; max-age=31536000; samesite=lax`; } catch { /* see above */ }
  };

  const asked = match(query.get("lang"));
  if (asked) {
    keep("lang", asked);
    tellServer(asked);
  }
  const browsers = (navigator.languages || [navigator.language]).map(match).find(Boolean);
  const lang = asked || match(recall("lang")) || browsers || sent;

  const inAddress = (lang) => {
    const url = new URL(location.href);
    url.searchParams.set("lang", lang);
    return url;
  };
  if (lang !== sent && !asked) {
    // It is asked for anew: by the cookie if that is new and lasts, else by the address, which settles it.
    const before = toldServer();
    tellServer(lang);
    if (before !== lang && toldServer() === lang) location.reload();
    else location.replace(inAddress(lang));
    document.write("<plaintext hidden>"); // what follows of this page is neither shown nor run
  }

  root.lang = lang;
  // Gradio knows its languages by exact tag: for zh-HK, zh-SG or zh-Hant-TW it would speak English.
  Object.defineProperty(navigator, "language", { configurable: true, get: () => lang });
  Object.defineProperty(navigator, "languages", {
    configurable: true,
    get: () => Object.freeze([lang]),
  });

  // What this tab uploads is listed to this tab alone: it is known by a number that only it and the server
  // have, and that stays through a reload.
  const token = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  let visitor;
  try {
    visitor = sessionStorage.getItem("playground.visitor") || token();
    sessionStorage.setItem("playground.visitor", visitor);
  } catch { visitor = token(); }

  // What answers a page learns its language by a header, not by the cookie: a frame of another site has no
  // cookies, and two tabs may speak two languages.
  const plainFetch = window.fetch;
  window.fetch = (input, init) => {
    const whole = input instanceof Request;
    let url;
    try { url = new URL(whole ? input.url : input, document.baseURI); } catch { url = null; }
    if (url && url.origin === location.origin && /\/(gradio_api|playground)\//.test(url.pathname)) {
      const headers = new Headers((init && init.headers) || (whole ? input.headers : undefined));
      headers.set("X-Playground-Language", lang);
      headers.set("X-Playground-Visitor", visitor);
      init = { ...init, headers };
    }
    const asked = plainFetch.call(window, input, init);
    // Gradio's own requests tell whether the server is there, as ours do (connection.js).
    if (url && url.origin === location.origin && url.pathname.includes("/gradio_api/")) asked.then(
      ({ status }) => { const { connection } = window.playground; if (connection) connection[connection.AWAY.includes(status) ? "lost" : "found"](); },
      (error) => { if (error.name !== "AbortError" && window.playground.connection) window.playground.connection.lost(); },
    );
    return asked;
  };

  const setLanguage = (tag) => {
    const chosen = match(tag);
    if (!chosen) return;
    keep("lang", chosen);
    tellServer(chosen);
    const url = inAddress(chosen);
    if (url.href === location.href) location.reload();
    else location.replace(url);
  };

  // ---- light or dark ----

  const THEMES = ["light", "dark"];
  const known = (theme) => (THEMES.includes(theme) ? theme : null);
  const system = matchMedia("(prefers-color-scheme: dark)");
  // In the address, it is Gradio's own switch, and what a Space is told by the page around it.
  let theme = known(query.get("__theme")) || known(recall("theme")) || "system";

  // Before its own style sheet comes, Gradio's page is painted by what the system prefers, with
  // these four variables.
  const firstPaint = document.createElement("style");
  firstPaint.textContent =
    "html[data-theme=dark]{--bg:var(--bg-dark);--col:var(--col-dark)}" +
    "html[data-theme=light]{--bg-dark:var(--bg);--col-dark:var(--col)}";
  document.head.append(firstPaint);

  const paint = () => {
    const now = theme === "system" ? (system.matches ? "dark" : "light") : theme;
    root.dataset.theme = now;
    root.style.colorScheme = now;
    if (document.body) document.body.classList.toggle("dark", now === "dark");
    const app = document.querySelector("gradio-app");
    // Without this attribute Gradio would follow the system, now and at its every change.
    if (app) app.setAttribute("theme_mode", now);
    return Boolean(app);
  };
  // A mutation observer is called between parsing and painting: the first moment <body> is there.
  const parsed = new MutationObserver(() => { if (paint()) parsed.disconnect(); });
  parsed.observe(document, { childList: true, subtree: true });
  paint();

  const tell = (what) => document.dispatchEvent(new CustomEvent("playground:" + what));
  const repaint = () => { paint(); tell("theme"); };
  system.addEventListener("change", () => { if (theme === "system") repaint(); });

  const setTheme = (chosen) => {
    theme = known(chosen) || "system";
    keep("theme", known(theme));
    const url = new URL(location.href);
    if (url.searchParams.has("__theme")) {
      // It would win over the choice at the next load.
      url.searchParams.delete("__theme");
      history.replaceState(history.state, "", url);
    }
    repaint();
  };

  // ---- large text ----

  root.classList.toggle("large", recall("large") === "yes");
  const setLarge = (large) => {
    root.classList.toggle("large", Boolean(large));
    keep("large", large ? "yes" : null);
    tell("large");
  };

  const { later, slots } = window.playground; // for slots.js
  window.playground = {
    lang, parts_at: later, slots, plainFetch: plainFetch.bind(window),
    match,
    setLanguage,
    get theme() { return theme; },
    setTheme,
    get large() { return root.classList.contains("large"); },
    setLarge,
  };
})();
