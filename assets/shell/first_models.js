/*
 * The models that a visitor meets first, as buttons that choose them (playground/ui/first_models.py): a button says
 * in `data-model-of` which control it sets, and in `data-model` to what. The one that is chosen is pressed.
 */
(() => {
  "use strict";
  const page = window.playground;
  const mark = (buttons) => {
    for (const button of buttons)
      button.setAttribute("aria-pressed", String(page.store.get(button.dataset.modelOf) === button.dataset.model));
  };
  page.store.watch(() => mark(document.querySelectorAll("[data-model-of]")));
  new MutationObserver(() => mark(document.querySelectorAll("[data-model-of]:not([aria-pressed])")))
    .observe(document.documentElement, { childList: true, subtree: true });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-model-of]");
    if (button) page.store.set({ [button.dataset.modelOf]: button.dataset.model }, "visitor");
  });
})();
