/*
 * Markdown of a reply as elements of the page, made without innerHTML: headings, lists, quotations, tables, code,
 * emphasis, formulas. A link or picture is text, its address behind it: a model's word opens and fetches nothing.
 *
 *   page.chat.markdown(source, leaf)   a fragment. leaf(from, to) makes what stands in it of a piece of the source,
 *                                      so that the tokens of a rendered reply are still the tokens (reply.js).
 *
 * What is not closed yet, as in a reply that is being written, is shown as it stands; an open fence is code.
 */
(() => {
  "use strict";
  const page = window.playground;
  const { element } = page.tools;
  const DEEP = 8; // quotations and lists within each other; what is deeper stands as text
  const LONG = 20_000; // characters of one paragraph that are looked through for emphasis

  const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`]*$/;
  const HEADING = /^ {0,3}(#{1,6})[ \t]+/;
  const RULE = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
  const QUOTE = /^ {0,3}> ?/;
  const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( {1,4}|$)/;
  const DELIMITERS = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
  const FORMULA = /^ {0,3}(\$\$|\\\[)/;

  /* A text of the source: its characters, and where in the source each stands (lines of a list lose their indent). */
  class Text {
    constructor(text, at) { this.text = text; this.at = at; }
    static joined(lines) {
      const at = [], texts = [];
      lines.forEach((line, i) => {
        if (i) { texts.push("\n"); at.push(lines[i - 1].from + lines[i - 1].text.length); }
        texts.push(line.text);
        for (let k = 0; k < line.text.length; k++) at.push(line.from + k);
      });
      return new Text(texts.join(""), at);
    }
    cut(from, to) { return new Text(this.text.slice(from, to), this.at.slice(from, to)); }
    trimmed() {
      const from = this.text.length - this.text.trimStart().length;
      return this.cut(from, Math.max(from, this.text.trimEnd().length));
    }
  }

  const markdown = (source, leaf) => {
    const plain = (into, { at }) => { // pieces that are one in the source, one by one
      for (let start = 0, end = 1; end <= at.length; end++)
        if (end === at.length || at[end] !== at[end - 1] + 1) { into.append(leaf(at[start], at[end - 1] + 1)); start = end; }
    };

    // ---- within a paragraph ----

    const inline = (into, text, depth = 0) => {
      const { text: all } = text;
      let from = 0;
      const flush = (to) => { if (to > from) lines(into, text.cut(from, to)); };
      if (all.length > LONG || depth > DEEP) return lines(into, text);
      for (let i = 0; i < all.length;) {
        const found = special(text, i, depth);
        if (!found) { i++; continue; }
        flush(i);
        into.append(...found.made);
        i = from = found.to;
      }
      flush(all.length);
    };
    const lines = (into, text) => { // a line that ends is a line that ends, as poems have it
      let from = 0;
      for (let end; (end = text.text.indexOf("\n", from)) >= 0; from = end + 1) {
        plain(into, text.cut(from, end));
        into.append(element("br"));
      }
      plain(into, text.cut(from, text.text.length));
    };
    const special = (text, i, depth) => {
      const { text: all } = text, letter = all[i];
      if (letter === "\\") {
        const formula = /^\\\((.+?)\\\)/s.exec(all.slice(i, i + 2000)) || /^\\\[(.+?)\\\]/s.exec(all.slice(i, i + 2000));
        if (formula) return { made: [page.chat.formula(formula[1], false)], to: i + formula[0].length };
        if (!/[!-/:-@[-`{-~]/.test(all[i + 1] || "")) return null;
        const made = document.createDocumentFragment();
        plain(made, text.cut(i + 1, i + 2));
        return { made: [made], to: i + 2 };
      }
      if (letter === "`") {
        const mark = /^`+/.exec(all.slice(i))[0];
        const end = closing(all, mark, i + mark.length);
        if (end < 0) return { made: [wrapped("span", text.cut(i, i + mark.length), plain)], to: i + mark.length };
        return { made: [wrapped("code", text.cut(i + mark.length, end), plain)], to: end + mark.length };
      }
      if (letter === "$") { // not the price of something: pandoc's rule
        const formula = /^\$\$(.+?)\$\$/s.exec(all.slice(i, i + 2000)) || /^\$(?!\s)((?:[^$\n\\]|\\.)*[^\s$\\])\$(?!\d)/.exec(all.slice(i, i + 2000));
        return formula && { made: [page.chat.formula(formula[1], false)], to: i + formula[0].length };
      }
      if (letter === "*" || letter === "_" || letter === "~") return emphasis(text, i, depth);
      if (letter === "[" || (letter === "!" && all[i + 1] === "[")) {
        const link = /^!?\[([^\]\n]*)\]\((?:<([^>\n]*)>|([^\s)]*))(?:\s+"[^"\n]*")?\)/.exec(all.slice(i, i + 4000));
        if (!link) return null;
        const start = i + link[0].indexOf("[") + 1, address = link[2] || link[3] || "";
        const made = element("span", "chat-link");
        inline(made, text.cut(start, start + link[1].length), depth + 1);
        if (address && address !== link[1]) {
          const where = i + link[0].indexOf("](") + 2 + (link[2] ? 1 : 0);
          made.append(" ", wrapped("small", text.cut(where, where + address.length), plain));
        }
        return { made: [made], to: i + link[0].length };
      }
      return null;
    };
    const closing = (all, mark, from) => { // a run of just that many backticks
      for (let at = from; (at = all.indexOf(mark, at)) >= 0;) {
        let end = at + mark.length;
        while (all[end] === "`") end++;
        if (end - at === mark.length) return at;
        at = end;
      }
      return -1;
    };
    const emphasis = (text, i, depth) => {
      const { text: all } = text, letter = all[i], word = /[\p{L}\p{N}]/u;
      let run = 1;
      while (all[i + run] === letter) run++;
      if (letter === "~" ? run !== 2 : run > 3) return { made: [wrapped("span", text.cut(i, i + run), plain)], to: i + run };
      if (/\s/.test(all[i + run] || " ") || (letter === "_" && word.test(all[i - 1] || ""))) return null;
      const mark = letter.repeat(run);
      for (let at = all.indexOf(mark, i + run); at >= 0; at = all.indexOf(mark, at + 1)) {
        const after = all[at + run] || "";
        if (/\s/.test(all[at - 1]) || all[at - 1] === letter || all[at - 1] === "\\" || (after === letter && run < 3)) continue;
        if (letter === "_" && word.test(after)) continue;
        const inside = (into, within) => inline(into, within, depth + 1);
        const within = text.cut(i + run, at);
        if (run === 3) {
          const strong = element("strong");
          strong.append(wrapped("em", within, inside));
          return { made: [strong], to: at + run };
        }
        return { made: [wrapped(letter === "~" ? "del" : run === 2 ? "strong" : "em", within, inside)], to: at + run };
      }
      return run > 1 ? { made: [wrapped("span", text.cut(i, i + run), plain)], to: i + run } : null;
    };
    const wrapped = (name, text, fill) => { const made = element(name); fill(made, text); return made; };

    // ---- blocks ----

    const blocks = (into, rows, depth) => {
      for (let i = 0; i < rows.length;) {
        const { text } = rows[i];
        if (!text.trim()) { i++; continue; }
        const fence = FENCE.exec(text), heading = HEADING.exec(text), item = ITEM.exec(text);
        if (fence) i = code(into, rows, i, fence);
        else if (FORMULA.test(text)) i = display(into, rows, i);
        else if (heading) {
          const last = text.replace(/[ \t]+#*[ \t]*$/, "");
          const made = element("h" + Math.min(6, heading[1].length + 3)); // below those of the page
          inline(made, Text.joined([{ text: last.slice(heading[0].length), from: rows[i].from + heading[0].length }]));
          into.append(made);
          i++;
        } else if (RULE.test(text)) { into.append(element("hr")); i++; }
        else if (tabular(rows, i)) i = table(into, rows, i);
        else if (QUOTE.test(text) && depth < DEEP) i = quote(into, rows, i, depth);
        else if (item && depth < DEEP) i = list(into, rows, i, depth);
        else i = paragraph(into, rows, i);
      }
    };
    const begins = (rows, i) => { // whether a line begins something else than what a paragraph goes on with
      const { text } = rows[i];
      return !text.trim() || FENCE.test(text) || HEADING.test(text) || RULE.test(text) || QUOTE.test(text) || FORMULA.test(text)
        || /^ {0,3}(?:[-*+]|1[.)]) +\S/.test(text) || tabular(rows, i);
    };
    const paragraph = (into, rows, i) => {
      const from = i++;
      while (i < rows.length && !begins(rows, i)) i++;
      into.append(wrapped("p", Text.joined(rows.slice(from, i)).trimmed(), inline));
      return i;
    };
    const code = (into, rows, i, fence) => {
      const from = i + 1, box = element("figure", "chat-code"), head = element("figcaption", "", fence[2]), pre = element("pre"), inside = element("code");
      const close = new RegExp(`^ {0,3}${fence[1][0]}{${fence[1].length},}[ \t]*$`);
      for (i = from; i < rows.length && !close.test(rows[i].text); i++) {
        if (i > from) inside.append("\n");
        plain(inside, Text.joined([rows[i]]));
      }
      pre.tabIndex = 0;
      pre.append(inside);
      box.append(head, pre);
      into.append(box);
      return i + 1;
    };
    const display = (into, rows, i) => {
      const open = FORMULA.exec(rows[i].text)[1], close = open === "$$" ? "$$" : "\\]", from = i;
      const all = () => rows.slice(from, i + 1).map((row) => row.text).join("\n").trim();
      while (i + 1 < rows.length && all().indexOf(close, 2) < 0) i++;
      const text = all(), end = text.indexOf(close, 2);
      if (end < 0 || text.slice(end + 2).trim()) return paragraph(into, rows, from); // not closed, or more on its line
      into.append(page.chat.formula(text.slice(2, end), true));
      return i + 1;
    };
    const cells = ({ text, from }) => {
      const all = Text.joined([{ text, from }]).trimmed(), found = [];
      let start = all.text[0] === "|" ? 1 : 0;
      for (let i = start; i <= all.text.length; i++) {
        const ends = i === all.text.length;
        if (!ends && (all.text[i] !== "|" || all.text[i - 1] === "\\")) continue;
        if (!ends || i > start) found.push(all.cut(start, i).trimmed());
        start = i + 1;
      }
      return found;
    };
    const tabular = (rows, i) => {
      const below = rows[i + 1];
      return Boolean(below) && rows[i].text.includes("|") && below.text.includes("-") && DELIMITERS.test(below.text)
        && cells(rows[i]).length === cells(below).length;
    };
    const table = (into, rows, i) => {
      const made = element("table", "pg-table"), head = element("thead"), body = element("tbody"), box = element("div", "chat-table");
      const sides = cells(rows[i + 1]).map(({ text }) => (text.endsWith(":") ? (text.startsWith(":") ? "center" : "end") : ""));
      const line = (row, name) => {
        const tr = element("tr"), found = cells(row);
        sides.forEach((side, k) => {
          const cell = element(name);
          if (side) cell.style.textAlign = side;
          if (found[k]) inline(cell, found[k]);
          tr.append(cell);
        });
        return tr;
      };
      head.append(line(rows[i], "th"));
      for (i += 2; i < rows.length && rows[i].text.trim() && rows[i].text.includes("|"); i++) body.append(line(rows[i], "td"));
      made.append(head, body);
      box.tabIndex = 0;
      box.append(made);
      into.append(box);
      return i;
    };
    const shorter = ({ text, from }, by) => ({ text: text.slice(by), from: from + by });
    const quote = (into, rows, i, depth) => {
      const inside = [], made = element("blockquote");
      for (; i < rows.length && (QUOTE.test(rows[i].text) || (inside.length && !begins(rows, i))); i++)
        inside.push(shorter(rows[i], (QUOTE.exec(rows[i].text) || [""])[0].length));
      blocks(made, inside, depth + 1);
      into.append(made);
      return i;
    };
    const list = (into, rows, i, depth) => {
      const [, , mark] = ITEM.exec(rows[i].text), ordered = /\d/.test(mark), made = element(ordered ? "ol" : "ul");
      if (ordered && Number.parseInt(mark, 10) !== 1) made.start = Number.parseInt(mark, 10);
      const same = (row) => {
        const found = ITEM.exec(row.text);
        return found && !RULE.test(row.text) && found[2].at(-1) === mark.at(-1) ? found : null;
      };
      for (let found; i < rows.length && (found = same(rows[i]));) {
        const indent = found[0].length + (found[3] ? 0 : 1), inside = [shorter(rows[i], found[0].length)], item = element("li");
        for (i++; i < rows.length; i++) {
          const { text } = rows[i], deep = text.length - text.trimStart().length;
          if (!text.trim()) { // it goes on after a blank line only where that is indented
            const next = rows.slice(i).find((row) => row.text.trim());
            if (!next || next.text.length - next.text.trimStart().length < Math.min(2, indent)) break;
            inside.push(shorter(rows[i], text.length));
          } else if (deep >= Math.min(2, indent) && (deep >= indent || !same(rows[i]))) inside.push(shorter(rows[i], Math.min(deep, indent)));
          else if (begins(rows, i) || ITEM.test(text)) break;
          else inside.push(rows[i]);
        }
        while (i < rows.length && !rows[i].text.trim() && rows.slice(i).some((row) => row.text.trim()) && same(rows.slice(i).find((row) => row.text.trim()))) i++;
        blocks(item, inside, depth + 1);
        const only = item.children.length && item.firstElementChild.localName === "p" ? item.firstElementChild : null;
        if (only) only.replaceWith(...only.childNodes); // the first words of an item stand beside its mark
        made.append(item);
      }
      into.append(made);
      return i;
    };

    const into = document.createDocumentFragment(), rows = [];
    let from = 0;
    for (const text of source.split("\n")) { rows.push({ text: text.replace(/\r$/, ""), from }); from += text.length + 1; }
    blocks(into, rows, 0);
    return into;
  };

  page.chat = { ...page.chat, markdown };
})();
