/*
 * Formulas of replies: the part of TeX that models write, as MathML, which browsers draw themselves with the fonts
 * that they have. A library (KaTeX, Temml) would be 70 to 270 KB and fonts, and more TeX than is ever met here. What
 * this does not know it shows as it is written: a formula is never half of itself.
 *
 *   page.chat.formula(tex, display)   an element
 */
(() => {
  "use strict";
  const page = window.playground;
  const NAMESPACE = "http://www.w3.org/1998/Math/MathML";
  const LONGEST = 2000, DEEP = 30;

  const pairs = (text) => Object.fromEntries(text.trim().split(/\s+/).map((pair) => pair.split("=")));
  const LETTERS = pairs(`alpha=α beta=β gamma=γ delta=δ epsilon=ϵ varepsilon=ε zeta=ζ eta=η theta=θ vartheta=ϑ iota=ι kappa=κ
    lambda=λ mu=μ nu=ν xi=ξ pi=π rho=ρ sigma=σ tau=τ upsilon=υ phi=ϕ varphi=φ chi=χ psi=ψ omega=ω Gamma=Γ Delta=Δ Theta=Θ
    Lambda=Λ Xi=Ξ Pi=Π Sigma=Σ Phi=Φ Psi=Ψ Omega=Ω infty=∞ partial=∂ nabla=∇ ell=ℓ hbar=ℏ emptyset=∅ top=⊤ bot=⊥ Re=ℜ Im=ℑ`);
  const OPERATORS = pairs(`cdot=⋅ times=× div=÷ pm=± mp=∓ leq=≤ le=≤ geq=≥ ge=≥ neq=≠ ne=≠ approx=≈ equiv=≡ sim=∼ propto=∝ to=→
    rightarrow=→ leftarrow=← Rightarrow=⇒ Leftarrow=⇐ leftrightarrow=↔ Leftrightarrow=⇔ implies=⟹ iff=⟺ mapsto=↦ in=∈ notin=∉
    subset=⊂ subseteq=⊆ supset=⊃ cup=∪ cap=∩ setminus=∖ forall=∀ exists=∃ neg=¬ land=∧ lor=∨ wedge=∧ vee=∨ oplus=⊕ otimes=⊗
    odot=⊙ circ=∘ ast=∗ star=⋆ ldots=… dots=… cdots=⋯ vdots=⋮ ddots=⋱ mid=∣ parallel=∥ perp=⊥ langle=⟨ rangle=⟩ lvert=| rvert=|
    lVert=‖ rVert=‖ lfloor=⌊ rfloor=⌋ lceil=⌈ rceil=⌉ prime=′ ll=≪ gg=≫ angle=∠ therefore=∴ colon=:`);
  const LARGE = pairs("sum=∑ prod=∏ int=∫ iint=∬ oint=∮ bigcup=⋃ bigcap=⋂ lim=lim max=max min=min argmax=argmax argmin=argmin sup=sup inf=inf");
  const NAMES = new Set("sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan log ln exp det dim ker gcd deg Pr softmax".split(" "));
  const ACCENTS = pairs("hat=^ widehat=^ bar=¯ overline=¯ vec=→ tilde=~ widetilde=~ dot=˙ ddot=¨");
  const SPACES = { ",": "0.17em", ":": "0.22em", ";": "0.28em", " ": "0.28em", quad: "1em", qquad: "2em", "!": "-0.17em" };
  const VARIANTS = { mathbb: "double-struck", mathcal: "script", mathbf: "bold", boldsymbol: "bold", mathfrak: "fraktur" };
  const FENCES = { matrix: ["", ""], pmatrix: ["(", ")"], bmatrix: ["[", "]"], vmatrix: ["|", "|"], cases: ["{", ""], aligned: ["", ""], align: ["", ""], "align*": ["", ""] };
  const BASES = { bold: [0x1d400, 0x1d41a], "double-struck": [0x1d538, 0x1d552], script: [0x1d49c, 0x1d4b6], fraktur: [0x1d504, 0x1d51e] };
  const HOLES = pairs("double-struckC=ℂ double-struckH=ℍ double-struckN=ℕ double-struckP=ℙ double-struckQ=ℚ double-struckR=ℝ double-struckZ=ℤ scriptB=ℬ scriptE=ℰ scriptF=ℱ scriptH=ℋ scriptI=ℐ scriptL=ℒ scriptM=ℳ scriptR=ℛ scripte=ℯ scriptg=ℊ scripto=ℴ frakturC=ℭ frakturH=ℌ frakturI=ℑ frakturR=ℜ frakturZ=ℨ");

  const math = (name, ...inside) => {
    const made = document.createElementNS(NAMESPACE, name);
    made.append(...inside);
    return made;
  };
  const letter = (each, variant) => { // "mathvariant" is gone from MathML: such letters have places of their own
    const hole = HOLES[variant + each], code = each.codePointAt(0);
    if (hole) return hole;
    if (/[A-Z]/.test(each)) return String.fromCodePoint(BASES[variant][0] + code - 65);
    return /[a-z]/.test(each) ? String.fromCodePoint(BASES[variant][1] + code - 97) : each;
  };
  class Unknown extends Error {}

  /* Reads TeX from the left; every method gives one element. */
  class Reader {
    constructor(tex, display) { this.tokens = tex.match(/\\(?:[a-zA-Z]+\*?|.)|\s+|\d+(?:\.\d+)?|./gsu) || []; this.at = 0; this.depth = 0; this.display = display; }
    blanks() { while (/^\s+$/.test(this.tokens[this.at] || "")) this.at++; }
    peek() { this.blanks(); return this.tokens[this.at]; }
    next() { this.blanks(); if (this.at >= this.tokens.length) throw new Unknown(); return this.tokens[this.at++]; }
    row(...ends) { // until one of these, which is read, too
      if (++this.depth > DEEP) throw new Unknown();
      const made = math("mrow");
      for (let token; (token = this.peek()) !== undefined && !ends.includes(token);) made.append(this.scripted());
      if (ends.length) this.ended = this.next();
      this.depth--;
      return made;
    }
    scripted() {
      const base = this.atom();
      let below = null, above = null;
      for (let token; (token = this.peek()) === "^" || token === "_" || token === "'";) {
        this.at++;
        if (token === "'") above = math("mo", "′");
        else if (token === "^") above = this.argument(); else below = this.argument();
      }
      const limits = base.dataset.limits && (this.display || base.dataset.limits === "word");
      const parts = [base, below, above].filter(Boolean);
      if (below && above) return math(limits ? "munderover" : "msubsup", ...parts);
      if (below) return math(limits ? "munder" : "msub", ...parts);
      return above ? math(limits ? "mover" : "msup", ...parts) : base;
    }
    argument() {
      if (this.peek() !== "{") return this.atom();
      this.at++;
      return this.row("}");
    }
    words() { // {as it is written}
      if (this.next() !== "{") throw new Unknown();
      let text = "";
      for (let open = 1; ;) {
        if (this.at >= this.tokens.length) throw new Unknown();
        const token = this.tokens[this.at++];
        if (token === "{") open++;
        if (token === "}" && !--open) return text;
        text += token.replace(/^\\([_%&#$ ])$/, "$1");
      }
    }
    fence() {
      const token = this.next(), known = OPERATORS[token.slice(1)];
      if (token === ".") return "";
      if (token.startsWith("\\")) { if (/^\\[{}|]$/.test(token)) return token === "\\|" ? "‖" : token[1]; if (!known) throw new Unknown(); return known; }
      return token;
    }
    fenced(open, inside, close) {
      const side = (sign) => { const made = math("mo", sign); made.setAttribute("stretchy", "true"); return made; };
      return math("mrow", ...(open ? [side(open)] : []), inside, ...(close ? [side(close)] : []));
    }
    table(name) {
      const [open, close] = FENCES[name] || [];
      if (open === undefined) throw new Unknown();
      const made = math("mtable");
      for (let row = math("mtr"); ;) {
        const cell = math("mtd", this.row("&", "\\\\", "\\end"));
        if (/^align|^cases/.test(name)) cell.style.textAlign = row.childElementCount || name === "cases" ? "left" : "right";
        row.append(cell);
        if (this.ended === "&") continue;
        made.append(row);
        if (this.ended === "\\end") break;
        row = math("mtr");
      }
      if (this.words() !== name) throw new Unknown();
      return this.fenced(open, made, close);
    }
    atom() {
      const token = this.next();
      if (token === "{") return this.row("}");
      if (token.startsWith("\\") && token.length > 1) return this.command(token.slice(1));
      if (/^\d/.test(token)) return math("mn", token);
      if (/^\p{L}$/u.test(token)) return math("mi", token);
      if (/[\\^_}&#%]/.test(token)) throw new Unknown();
      return math("mo", token === "-" ? "−" : token === "*" ? "∗" : token);
    }
    command(name) {
      if (name in LETTERS) return math("mi", LETTERS[name]);
      if (name in OPERATORS) return math("mo", OPERATORS[name]);
      if (name in LARGE) {
        const made = math("mo", LARGE[name]);
        made.dataset.limits = /^\w/.test(LARGE[name]) ? "word" : "sign";
        return made;
      }
      if (NAMES.has(name)) return math("mi", name);
      if (name in SPACES) { const made = math("mspace"); made.setAttribute("width", SPACES[name]); return made; }
      if (/^[{}%#&$_]$/.test(name)) return math("mo", name);
      if (name === "|") return math("mo", "‖");
      if (name in ACCENTS) { const made = math("mover", this.argument(), math("mo", ACCENTS[name])); made.setAttribute("accent", "true"); return made; }
      if (name in VARIANTS) return math("mi", [...this.words()].map((each) => letter(each, VARIANTS[name])).join(""));
      switch (name) {
        case "frac": case "dfrac": case "tfrac": return math("mfrac", this.argument(), this.argument());
        case "binom": { const made = math("mfrac", this.argument(), this.argument()); made.setAttribute("linethickness", "0"); return this.fenced("(", made, ")"); }
        case "sqrt": {
          if (this.peek() !== "[") return math("msqrt", this.argument());
          this.at++;
          const root = this.row("]");
          return math("mroot", this.argument(), root);
        }
        case "text": case "mathrm": case "textbf": case "textit": case "mbox": return math("mtext", this.words());
        case "operatorname": case "operatorname*": return math("mi", this.words());
        case "left": { const open = this.fence(), inside = this.row("\\right"); return this.fenced(open, inside, this.fence()); }
        case "begin": return this.table(this.words());
        case "displaystyle": case "limits": case "big": case "Big": case "bigl": case "bigr": return math("mrow");
        default: throw new Unknown();
      }
    }
  }

  const formula = (tex, display) => {
    try {
      if (tex.length > LONGEST) throw new Unknown();
      const reader = new Reader(tex, display), row = reader.row();
      const made = math("math", row);
      if (display) made.setAttribute("display", "block");
      made.setAttribute("aria-label", tex.trim());
      return made;
    } catch (error) {
      if (!(error instanceof Unknown)) throw error;
      return page.tools.element("code", "chat-tex", display ? `$$${tex}$$` : `$${tex}$`);
    }
  };

  page.chat = { ...page.chat, formula };
})();
