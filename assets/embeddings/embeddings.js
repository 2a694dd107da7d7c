/* Token vectors and Words: the token or the word that is clicked, told in the inspector. */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button } = page.tools;
  const TOKEN = "vector", WORD = "word"; // of the inspector
  const read = (place) => JSON.parse(place.querySelector(":scope > .pg-data, .pg-data").textContent);

  // ---- a token of a sentence ----

  const fact = (list, name, value) => { list.append(element("dt", "", name), element("dd", "", value)); };
  let looked = -1; // the token that is looked at: another layer tells of the same one
  const token = (rows, at, opens) => {
    const { tokens, say } = JSON.parse(rows.nextElementSibling.textContent), told = tokens[at];
    if (!told) return;
    looked = at;
    for (const each of rows.children) each.classList.toggle("here", each.querySelector("[data-token]").dataset.token === String(at));
    const made = element("div", "vec-seen"), list = element("dl");
    fact(list, say.id, String(told.id));
    if (told.text) fact(list, say.text, told.text);
    fact(list, say.length, String(told.length));
    const near = element("ol", "vec-near");
    for (const [other, cosine] of told.near) {
      const row = element("li");
      row.append(button(tokens[other].piece, "", () => token(rows, other, true)), element("small", "", cosine.toFixed(3)));
      near.append(row);
    }
    const numbers = element("p", "vec-numbers", told.numbers.map((each) => each.toFixed(4)).join("  ") + " …");
    made.append(list, element("h3", "", say.numbers), numbers);
    if (told.near.length) made.append(element("h3", "", say.near), near);
    made.append(element("p", "pg-note", say.hint));
    page.inspector.open({ key: TOKEN, title: told.piece, body: made, from: rows.querySelector(`[data-token="${at}"]`), quiet: !opens });
  };

  // ---- a word near what was asked ----

  const word = (from) => {
    const rows = from.closest(".wrd-near"), say = read(from.closest(".pg-body")), name = from.dataset.word;
    const row = from.closest("li"), made = element("div", "vec-seen"), list = element("dl"), acts = element("p", "pg-map-acts");
    fact(list, say.cosine, row.querySelector("small").textContent);
    const set = (values) => page.store.set(values, "visitor", "inspector");
    const more = (id) => [page.store.get(id).trim(), name].filter(Boolean).join(", ");
    acts.append(
      button(say.own, "", () => set({ "words.plus": name, "words.minus": "" })),
      button(say.add, "", () => set({ "words.plus": more("words.plus") })),
      button(say.subtract, "", () => set({ "words.minus": more("words.minus") })),
    );
    made.append(list, ...(row.classList.contains("given") ? [element("p", "pg-note", say.given)] : []), acts);
    page.inspector.open({ key: WORD, title: name, body: made, from });
    for (const each of rows.closest(".pg-body").querySelectorAll(".wrd-near li")) each.classList.toggle("here", each === row);
  };

  document.addEventListener("click", (event) => {
    const at = event.target.closest && event.target.closest(".vec-tokens [data-token], .wrd-near [data-word]");
    if (!at) return;
    if (at.dataset.word !== undefined) word(at);
    else token(at.closest(".vec-tokens"), Number(at.dataset.token), true);
  });
  // The same token at another layer, as long as somebody looks at it.
  new MutationObserver(() => {
    if (page.inspector.key !== TOKEN) return;
    const rows = document.querySelector("#vec-walk .vec-tokens");
    if (rows && !rows.querySelector("li.here")) token(rows, looked, false);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
