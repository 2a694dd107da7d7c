/*
 * Whether the server is there: one banner for the whole page, whoever notices (runs, scripts of rooms, Gradio's own
 * requests, which head.js watches). While it is away the page asks for it, and says when it is back.
 *
 *   page.connection.lost()      nobody answered; a promise that the server answers again
 *   page.connection.found()     somebody did
 *   page.connection.away        whether it is
 *
 * `playground:away` and `playground:back` are dispatched on document.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button } = page.tools;
  const SHOWN = 400; // milliseconds: a page that is left breaks its requests off, too, and a proxy may cut one alone
  const FIRST = 1000, LAST = 10_000; // between two looks
  const SAID = 2500; // how long it says that the server is back
  const AWAY = [502, 503, 504]; // a tunnel or proxy, in the name of a server that is not there

  let away = null, banner = null, timer = 0, wait = FIRST;
  const show = (text, more) => {
    if (!banner) {
      banner = element("div", "pg-banner");
      banner.setAttribute("role", "status");
      document.body.append(banner);
    }
    banner.replaceChildren(element("span", "", text), ...(more ? [more] : []));
    banner.classList.toggle("back", !more);
  };
  const look = async () => {
    clearTimeout(timer);
    try {
      const answer = await page.plainFetch(new URL("gradio_api/app_id", document.baseURI), { cache: "no-store" });
      if (!AWAY.includes(answer.status)) return found();
    } catch { /* still away */ }
    if (!away) return;
    timer = setTimeout(look, wait);
    wait = Math.min(2 * wait, LAST);
  };
  const lost = () => {
    if (!away) {
      away = {};
      away.ended = new Promise((ready) => { away.end = ready; });
      const mine = away;
      wait = FIRST;
      setTimeout(() => {
        if (mine !== away) return;
        document.documentElement.dataset.away = "";
        show(page.runs.words("lost"), button(page.runs.words("now"), "", () => { wait = FIRST; look(); }));
        document.dispatchEvent(new CustomEvent("playground:away"));
      }, SHOWN);
      look();
    }
    return away.ended;
  };
  const found = () => {
    if (!away) return;
    const mine = away;
    away = null;
    clearTimeout(timer);
    mine.end();
    if (!("away" in document.documentElement.dataset)) return;
    delete document.documentElement.dataset.away;
    show(page.runs.words("back"));
    setTimeout(() => { if (!away && banner) { banner.remove(); banner = null; } }, SAID);
    document.dispatchEvent(new CustomEvent("playground:back"));
  };
  window.addEventListener("online", () => { if (away) look(); });

  // Gradio says it in English, in a toast of its own; it loads the page anew when the server is back.
  const THEIRS = /^Connection (Lost|errored out)/;
  new MutationObserver(() => {
    for (const toast of document.querySelectorAll(".toast-body")) {
      const said = [...toast.querySelectorAll(".toast-title, .toast-text")].some((each) => THEIRS.test(each.textContent.trim()));
      if (said && !toast.hidden) { toast.hidden = true; toast.style.display = "none"; lost(); }
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  page.connection = { lost, found, AWAY, get away() { return Boolean(away); } };
})();
