/*
 * What else could have stood where a token of a reply stands: in a small window at the token, on a phone at the edge
 * of the screen. Choosing one goes on from there, and the reply of before stays beside it.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element, button, percent } = page.tools;
  const { say, talk, busy } = page.chat;
  const SMALL = 640; // pixels of width below which the window lies at the lower edge
  const MARGIN = 8;

  const by = (each) => (each.model ? { model: each.model, quantization: each.quantization, engine: each.engine } : {}); // ids are of that model
  const spelled = (text) => text.replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "→");

  let looked = 0; // the newest question: an older one's answer may come later
  let shown = null; // {panel, chip}

  const close = () => {
    looked++;
    if (!shown) return;
    const { panel, chip } = shown, inside = panel.contains(document.activeElement);
    shown = null;
    panel.remove();
    chip.classList.remove("here");
    if (inside) chip.closest(".chat-body")?.focus({ preventScroll: true });
  };
  const settle = () => { // at its token, never outside the window
    if (!shown) return;
    const { panel, chip } = shown, at = chip.getClientRects()[0];
    const small = innerWidth < SMALL;
    panel.classList.toggle("sheet", small);
    if (small || !at) { panel.style.removeProperty("left"); panel.style.removeProperty("top"); return; }
    const { width, height } = panel.getBoundingClientRect();
    const below = at.bottom + MARGIN + height <= innerHeight || at.top < height + MARGIN;
    panel.style.left = Math.max(MARGIN, Math.min(at.left - MARGIN, innerWidth - width - MARGIN)) + "px";
    panel.style.top = Math.max(MARGIN, Math.min(below ? at.bottom + MARGIN : at.top - height - MARGIN, innerHeight - height - MARGIN)) + "px";
  };

  /* Open at a token: choose(node, ids) is asked to go on from those. */
  const look = async (chip, node, choose) => {
    close();
    const mine = ++looked, at = Number(chip.dataset.i), list = talk.path();
    const panel = element("section", "chat-token");
    panel.popover = "manual"; // over everything, and closed by us: its token is marked as long as it is open
    panel.setAttribute("role", "dialog");
    panel.setAttribute("aria-label", say("alternatives"));
    panel.tabIndex = -1;
    const head = element("header"), shut = button("×", "chat-shut", close);
    shut.setAttribute("aria-label", say("close"));
    head.append(element("code", "", spelled(chip.textContent)), element("span", "", chip.title), shut);
    const inside = element("div", "", "…");
    panel.append(head, inside);
    chip.classList.add("here");
    chip.closest(".chat").append(panel);
    panel.showPopover();
    shown = { panel, chip };
    settle();
    panel.focus({ preventScroll: true });
    let found;
    try {
      found = await page.once("chat/alternatives", talk.given(list.slice(0, list.indexOf(node)), { ...by(node), prefix: node.ids.slice(0, at) }));
    } catch (error) { found = { error: page.chat.why(error) }; }
    if (mine !== looked) return;
    if (found.error) inside.replaceChildren(element("p", "pg-warning", found.error));
    else inside.replaceChildren(element("p", "pg-note", say("alternatives")), choices(found, node, at, choose));
    settle();
    panel.querySelector(".chosen")?.focus({ preventScroll: true });
  };
  const choices = (found, node, at, choose) => {
    const list = element("ul");
    for (const each of found.alternatives) {
      const item = element("li"), chosen = each.id === node.ids[at];
      const choice = button("", chosen ? "chosen" : "", () => {
        if (busy()) return;
        close();
        if (!chosen) choose(node, [...node.ids.slice(0, at), each.id]);
      });
      const bar = element("i");
      bar.style.width = 100 * each.p + "%";
      choice.append(bar, element("code", "", spelled(each.text) || "∅"), element("span", "", (chosen ? say("chosen") + " · " : "") + percent(each.p)));
      item.append(choice);
      list.append(item);
    }
    list.append(element("li", "rest", `${say("rest")}: ${percent(found.rest)}`));
    return list;
  };

  document.addEventListener("pointerdown", (event) => { if (shown && !shown.panel.contains(event.target)) close(); }, true);
  document.addEventListener("keydown", (event) => {
    if (!shown) return;
    if (event.key === "Escape") { event.stopPropagation(); close(); return; }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], buttons = [...shown.panel.querySelectorAll("li button")];
    if (!step || !buttons.length) return;
    event.preventDefault();
    buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
  }, true);
  window.addEventListener("scroll", settle, true);
  window.addEventListener("resize", settle);

  // The tokens of a reply by the keyboard: arrows walk, Enter opens.
  document.addEventListener("keydown", (event) => {
    const body = event.target.closest && event.target.closest("#chat-frame .chat-body[tabindex]");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!body || event.target !== body || shown || (!step && event.key !== "Enter")) return;
    const chips = [...body.querySelectorAll(".ct")], at = chips.findIndex((each) => each.classList.contains("here"));
    if (!chips.length) return;
    event.preventDefault();
    if (event.key === "Enter") { if (at >= 0) chips[at].click(); return; }
    chips[at]?.classList.remove("here");
    const next = chips[at < 0 ? (step > 0 ? 0 : chips.length - 1) : Math.max(0, Math.min(chips.length - 1, at + step))];
    next.classList.add("here");
    next.scrollIntoView({ block: "nearest" });
  });

  Object.assign(page.chat, { look, leaveToken: close, by });
})();
