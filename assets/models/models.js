/*
 * The Models drawer: the actions that stand beside each model. They set what the form below would, and ask for the same.
 */
(() => {
  "use strict";
  const page = window.playground;
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest && event.target.closest("[data-models]");
    if (!pressed) return;
    const { models: what, name } = pressed.dataset;
    if (what === "unload") {
      page.store.set({ "models.idle": name });
      page.runs.ask("models/unload", "#pg-models-unload");
      return;
    }
    page.store.set({ "models.name": name, "models.role": "", "models.precision": "" });
    page.runs.ask("models/load", "#pg-models-load");
    document.getElementById("pg-models-result").scrollIntoView({ block: "nearest" });
  });
})();
