// A part of TeX as MathML. What is not known here gives no MathML at all, so nothing of a formula is lost.

const MATHML = "http://www.w3.org/1998/Math/MathML";
/// Longer formulas are shown as source.
const LONGEST = 4000;
const DEEPEST = 30;

const words = (text) =>
  Object.fromEntries(
    text
      .trim()
      .split(/\s+/)
      .map((pair) => pair.split("=")),
  );

const LETTERS = words(`
  alpha=α beta=β gamma=γ delta=δ epsilon=ϵ varepsilon=ε zeta=ζ eta=η theta=θ vartheta=ϑ iota=ι kappa=κ lambda=λ mu=μ
  nu=ν xi=ξ pi=π varpi=ϖ rho=ρ varrho=ϱ sigma=σ varsigma=ς tau=τ upsilon=υ phi=ϕ varphi=φ chi=χ psi=ψ omega=ω
  Gamma=Γ Delta=Δ Theta=Θ Lambda=Λ Xi=Ξ Pi=Π Sigma=Σ Upsilon=Υ Phi=Φ Psi=Ψ Omega=Ω infty=∞ partial=∂ nabla=∇ hbar=ℏ
  ell=ℓ Re=ℜ Im=ℑ emptyset=∅ varnothing=∅ aleph=ℵ imath=ı jmath=ȷ degree=° angle=∠ prime=′`);
const OPERATORS = words(`
  times=× div=÷ pm=± mp=∓ cdot=⋅ cdots=⋯ ldots=… dots=… vdots=⋮ ddots=⋱ ast=∗ star=⋆ circ=∘ bullet=∙ leq=≤ le=≤
  geq=≥ ge=≥ neq=≠ ne=≠ approx=≈ sim=∼ simeq=≃ cong=≅ equiv=≡ propto=∝ ll=≪ gg=≫ in=∈ notin=∉ ni=∋ subset=⊂ supset=⊃
  subseteq=⊆ supseteq=⊇ cup=∪ cap=∩ setminus=∖ forall=∀ exists=∃ neg=¬ lnot=¬ land=∧ wedge=∧ lor=∨ vee=∨ oplus=⊕
  otimes=⊗ odot=⊙ perp=⊥ parallel=∥ mid=∣ to=→ rightarrow=→ leftarrow=← leftrightarrow=↔ Rightarrow=⇒ Leftarrow=⇐
  Leftrightarrow=⇔ iff=⟺ implies=⟹ mapsto=↦ uparrow=↑ downarrow=↓ longrightarrow=⟶ langle=⟨ rangle=⟩ lfloor=⌊
  rfloor=⌋ lceil=⌈ rceil=⌉ lbrace={ rbrace=} vert=| Vert=‖ backslash=\\ colon=: triangle=△ cdotp=⋅ dagger=†
  therefore=∴ because=∵ prec=≺ succ=≻`);
/// Operators that have their limits below and above them in displayed formulas.
const LARGE = words("sum=∑ prod=∏ coprod=∐ bigcup=⋃ bigcap=⋂ bigoplus=⨁ bigotimes=⨂ bigvee=⋁ bigwedge=⋀");
const INTEGRALS = words("int=∫ iint=∬ iiint=∭ oint=∮");
const NAMED = new Set(
  `sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp det dim ker deg gcd arg hom Pr`.split(" "),
);
const LIMITS = new Set("lim max min sup inf limsup liminf".split(" "));
const ACCENTS = words("hat=^ widehat=^ vec=→ tilde=~ widetilde=~ dot=˙ ddot=¨ check=ˇ acute=´ grave=`");
const SPACES = {
  ",": "0.17em",
  ":": "0.22em",
  ">": "0.22em",
  ";": "0.28em",
  " ": "0.25em",
  quad: "1em",
  qquad: "2em",
  "!": null,
};
const VARIANTS = {
  mathrm: "upright",
  operatorname: "upright",
  rm: "upright",
  mathbf: "bold",
  boldsymbol: "bold",
  bm: "bold",
};
/// Letters of other alphabets: where they begin, and those that are elsewhere.
const ALPHABETS = {
  mathbb: [0x1d538, 0x1d552, { C: "ℂ", H: "ℍ", N: "ℕ", P: "ℙ", Q: "ℚ", R: "ℝ", Z: "ℤ" }],
  mathcal: [
    0x1d49c,
    0x1d4b6,
    { B: "ℬ", E: "ℰ", F: "ℱ", H: "ℋ", I: "ℐ", L: "ℒ", M: "ℳ", R: "ℛ", e: "ℯ", g: "ℊ", o: "ℴ" },
  ],
  mathfrak: [0x1d504, 0x1d51e, { C: "ℭ", H: "ℌ", I: "ℑ", R: "ℜ", Z: "ℨ" }],
};
const BOLD = [0x1d400, 0x1d41a, {}];
const MATRICES = {
  matrix: ["", ""],
  pmatrix: ["(", ")"],
  bmatrix: ["[", "]"],
  vmatrix: ["|", "|"],
  Vmatrix: ["‖", "‖"],
  Bmatrix: ["{", "}"],
  cases: ["{", ""],
  array: ["", ""],
  aligned: ["", ""],
  align: ["", ""],
  gathered: ["", ""],
  split: ["", ""],
};

function node(name, children = [], attributes = {}) {
  const element = document.createElementNS(MATHML, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

/// The formula as a `math` element, or null.
export function mathml(source, isDisplay) {
  if (source.length > LONGEST) return null;
  try {
    const reader = new Reader(source, isDisplay);
    const inside = reader.sequence(() => false, 0);
    return node("math", [node("mrow", inside)], { display: isDisplay ? "block" : "inline" });
  } catch (error) {
    if (error instanceof Unknown) return null;
    throw error;
  }
}

class Unknown extends Error {}

class Reader {
  constructor(source, isDisplay) {
    this.tokens = source.match(/\\[A-Za-z]+\*?|\\[^A-Za-z]|[0-9]+(?:[.,][0-9]+)*|\s+|[^]/gu) ?? [];
    this.at = 0;
    this.isDisplay = isDisplay;
  }

  peek() {
    while (/^\s/.test(this.tokens[this.at] ?? "")) this.at += 1;
    return this.tokens[this.at];
  }

  next() {
    const token = this.peek();
    this.at += 1;
    return token;
  }

  expect(wanted) {
    if (this.next() !== wanted) throw new Unknown();
  }

  sequence(ends, depth) {
    if (depth > DEEPEST) throw new Unknown();
    const out = [];
    for (let token = this.peek(); token !== undefined && !ends(token); token = this.peek()) {
      if (token === "}" || token === "\\right" || token === "\\end" || token === "&" || token === "\\\\")
        throw new Unknown();
      const base = this.atom(depth);
      if (base) out.push(this.scripts(base, depth));
    }
    return out;
  }

  group(depth) {
    if (this.peek() !== "{") return this.atom(depth + 1) ?? node("mrow");
    this.next();
    const inside = this.sequence((token) => token === "}", depth + 1);
    this.expect("}");
    return inside.length === 1 ? inside[0] : node("mrow", inside);
  }

  /// The characters of a group that is text.
  words() {
    this.expect("{");
    let open = 1;
    let out = "";
    for (; this.at < this.tokens.length; this.at += 1) {
      const token = this.tokens[this.at];
      if (token === "{") open += 1;
      if (token === "}") open -= 1;
      if (open === 0) {
        this.at += 1;
        return out.replace(/\s+/g, "\u00a0");
      }
      if (token.startsWith("\\") && !/^\\[ %&$#_{}]$/.test(token)) throw new Unknown();
      if (token !== "{" && token !== "}") out += token.replace(/^\\/, "");
    }
    throw new Unknown();
  }

  scripts(base, depth) {
    let below = null;
    let above = null;
    for (let token = this.peek(); ["^", "_", "'"].includes(token); token = this.peek()) {
      this.next();
      if (token === "'") {
        let primes = "′";
        while (this.peek() === "'") primes += this.next() && "′";
        if (above) throw new Unknown();
        above = node("mo", [primes]);
        if (this.peek() === "^") {
          this.next();
          above = node("mrow", [above, this.group(depth)]);
        }
      } else if (token === "^") {
        if (above) throw new Unknown();
        above = this.group(depth);
      } else {
        if (below) throw new Unknown();
        below = this.group(depth);
      }
    }
    if (!below && !above) return base;
    const isOver = base.limits && this.isDisplay;
    if (below && above) return node(isOver ? "munderover" : "msubsup", [base, below, above]);
    if (below) return node(isOver ? "munder" : "msub", [base, below]);
    return node(isOver ? "mover" : "msup", [base, above]);
  }

  atom(depth) {
    if (depth > DEEPEST) throw new Unknown();
    const token = this.next();
    if (token === undefined) throw new Unknown();
    if (token === "{") {
      this.at -= 1;
      return this.group(depth);
    }
    if (token.startsWith("\\")) return this.command(token.slice(1), depth);
    if (/^[0-9]/.test(token)) return node("mn", [token]);
    if (/^\p{L}$/u.test(token)) return node("mi", [token]);
    if (token === "~") return node("mspace", [], { width: "0.25em" });
    if (token === "-") return node("mo", ["−"]);
    if ("()[]|".includes(token)) return node("mo", [token], { stretchy: "false" });
    if ("^_'&#$%".includes(token)) throw new Unknown();
    return node("mo", [token]);
  }

  command(name, depth) {
    if (Object.hasOwn(LETTERS, name)) {
      return node("mi", [LETTERS[name]], /^[A-Z]/.test(name) ? { mathvariant: "normal" } : {});
    }
    if (Object.hasOwn(OPERATORS, name)) return node("mo", [OPERATORS[name]], { stretchy: "false" });
    if (Object.hasOwn(INTEGRALS, name)) return node("mo", [INTEGRALS[name]]);
    if (Object.hasOwn(LARGE, name)) return Object.assign(node("mo", [LARGE[name]]), { limits: true });
    if (NAMED.has(name)) {
      const isClose = ["(", "^", "_", "\\left"].includes(this.peek());
      return node("mo", [name], { lspace: "0.17em", rspace: isClose ? "0" : "0.17em" });
    }
    if (LIMITS.has(name)) return Object.assign(node("mo", [name]), { limits: true });
    if (Object.hasOwn(SPACES, name)) return SPACES[name] ? node("mspace", [], { width: SPACES[name] }) : null;
    if (/^[{}%#&$_|]$/.test(name)) return node("mo", [name === "|" ? "‖" : name], { stretchy: "false" });
    // Fonts have no bar that grows, so this one is a border.
    if (name === "overline" || name === "bar") return node("mrow", [this.group(depth)], { class: "overlined" });
    if (Object.hasOwn(ACCENTS, name)) {
      const accent = node("mo", [ACCENTS[name]], { stretchy: String(name.startsWith("wide")) });
      return node("mover", [this.group(depth), accent], { accent: "true" });
    }
    if (Object.hasOwn(ALPHABETS, name)) return node("mi", [alphabet(this.words(), ALPHABETS[name])]);
    if (Object.hasOwn(VARIANTS, name)) return this.variant(VARIANTS[name]);
    switch (name) {
      case "frac":
      case "dfrac":
      case "tfrac":
        return node("mfrac", [this.group(depth), this.group(depth)]);
      case "binom":
        return this.fenced("(", [node("mfrac", [this.group(depth), this.group(depth)], { linethickness: "0" })], ")");
      case "sqrt": {
        if (this.peek() !== "[") return node("msqrt", [this.group(depth)]);
        this.next();
        const index = node(
          "mrow",
          this.sequence((token) => token === "]", depth + 1),
        );
        this.expect("]");
        return node("mroot", [this.group(depth), index]);
      }
      case "text":
      case "textrm":
      case "textit":
      case "textbf":
      case "mbox":
        return node("mtext", [this.words()]);
      case "underset":
      case "overset":
      case "stackrel": {
        const small = this.group(depth);
        return node(name === "underset" ? "munder" : "mover", [this.group(depth), small]);
      }
      case "underline":
        return node("munder", [this.group(depth), node("mo", ["_"])]);
      case "overbrace":
        return Object.assign(node("mover", [this.group(depth), node("mo", ["⏞"])]), { limits: true });
      case "underbrace":
        return Object.assign(node("munder", [this.group(depth), node("mo", ["⏟"])]), { limits: true });
      case "left": {
        const open = this.delimiter();
        const inside = this.sequence((token) => token === "\\right", depth + 1);
        this.expect("\\right");
        return this.fenced(open, inside, this.delimiter());
      }
      case "big":
      case "Big":
      case "bigl":
      case "bigr":
      case "Bigl":
      case "Bigr":
        return node("mo", [this.delimiter()]);
      case "begin":
        return this.matrix(depth);
      case "tag":
        return node("mtext", [`\u2003(${this.words()})`]);
      case "displaystyle":
      case "textstyle":
      case "limits":
      case "nolimits":
      case "nonumber":
        return null;
      default:
        throw new Unknown();
    }
  }

  variant(kind) {
    if (this.peek() === "{") {
      const inside = this.words();
      if (/^[A-Za-z]+$/.test(inside) && kind === "bold") return node("mi", [alphabet(inside, BOLD)]);
      if (kind === "bold" && !/^[\d.]+$/.test(inside)) throw new Unknown();
      return node("mi", [inside], { mathvariant: "normal" });
    }
    throw new Unknown();
  }

  delimiter() {
    const token = this.next();
    if (token === ".") return "";
    if (token === "\\{" || token === "\\}") return token[1];
    if (token === "\\|") return "‖";
    if (token?.startsWith("\\") && Object.hasOwn(OPERATORS, token.slice(1))) return OPERATORS[token.slice(1)];
    if (token && "()[]|/<>".includes(token)) return { "<": "⟨", ">": "⟩" }[token] ?? token;
    throw new Unknown();
  }

  fenced(open, inside, close) {
    const fence = (text) => (text ? [node("mo", [text], { fence: "true", stretchy: "true" })] : []);
    return node("mrow", [...fence(open), ...inside, ...fence(close)]);
  }

  matrix(depth) {
    const name = this.words().replace(/\*$/, "");
    if (!Object.hasOwn(MATRICES, name)) throw new Unknown();
    if (name === "array" && this.peek() === "{") this.words();
    const rows = [[]];
    for (;;) {
      const ends = (token) => token === "&" || token === "\\\\" || token === "\\end";
      const cell = this.sequence(ends, depth + 1);
      rows.at(-1).push(node("mtd", [node("mrow", cell)]));
      const token = this.next();
      if (token === "\\\\") rows.push([]);
      else if (token === "\\end") break;
      else if (token !== "&") throw new Unknown();
    }
    if (this.words().replace(/\*$/, "") !== name) throw new Unknown();
    if (rows.at(-1).length === 1 && !rows.at(-1)[0].textContent) rows.pop();
    const [open, close] = MATRICES[name];
    const table = node(
      "mtable",
      rows.map((row) => node("mtr", row)),
    );
    return this.fenced(open, [table], close);
  }
}

/// Letters of another alphabet of Unicode.
function alphabet(text, [upper, lower, others]) {
  return text.replace(/[A-Za-z]/g, (letter) => {
    if (Object.hasOwn(others, letter)) return others[letter];
    const code = letter.charCodeAt(0);
    return String.fromCodePoint(code < 97 ? upper + code - 65 : lower + code - 97);
  });
}
