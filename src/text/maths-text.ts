/** Deeper nested groups are left as they are. */
const MAX_DEPTH = 30;

/**
 * LaTeX as plain text: `\frac{a}{2} \le x^2` → `a/2 ≤ x²`. Commands without such a form stay the same. Takes time
 * linear in its length.
 */
export function readableMaths(latex: string): string {
  const text = new Reader(latex).sequence(0);
  if (text === undefined) return latex;
  return text
    .split("\n")
    .map((line) => line.replace(/[ \t]+/g, " ").trim())
    .filter((line) => line !== "")
    .join("\n");
}

/** In characters. */
const LONGEST_OPTION = 10;

/** Reads LaTeX from left to right. */
class Reader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(latex: string) {
    this.#tokens = latex.match(/\\(?:[a-zA-Z]+\*?|[^]|$)|\s+|[^]/gu) ?? [];
  }

  /** The text up to the end of the group at a depth, or the whole text at 0; undefined when the end is missing. */
  sequence(depth: number): string | undefined {
    const parts: string[] = [];
    for (let token = this.#next(); token !== undefined; token = this.#next()) {
      if (token === "}") return depth > 0 ? parts.join("") : undefined;
      const part = this.#read(token, depth);
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return depth > 0 ? undefined : parts.join("");
  }

  #next(): string | undefined {
    return this.#tokens[this.#at++];
  }

  #skipBlanks(): void {
    while (/^\s/.test(this.#tokens[this.#at] ?? "")) this.#at++;
  }

  /** A group, or a single character. */
  #argument(depth: number): string | undefined {
    this.#skipBlanks();
    const token = this.#next();
    return token === undefined || token === "}" ? undefined : this.#read(token, depth);
  }

  /** The text in brackets before an argument. */
  #option(): string {
    if (this.#tokens[this.#at] !== "[") return "";
    const next = this.#tokens.slice(this.#at + 1, this.#at + 1 + LONGEST_OPTION);
    const end = next.indexOf("]");
    if (end === -1) return "";
    this.#at += end + 2;
    return next.slice(0, end).join("");
  }

  #read(token: string, depth: number): string | undefined {
    if (depth > MAX_DEPTH) return undefined;
    if (token === "{") return this.sequence(depth + 1);
    if (token === "^" || token === "_") {
      const argument = this.#argument(depth + 1);
      return argument && raised(token, argument);
    }
    if (token === "&" || token === "~" || /^\s/.test(token)) return " ";
    return token.startsWith("\\") ? this.#command(token.slice(1), depth + 1) : token;
  }

  #command(name: string, depth: number): string | undefined {
    const symbol = SYMBOLS.get(name);
    if (symbol !== undefined) return symbol;
    if (FUNCTIONS.has(name)) return /^[\^_]/.test(this.#tokens[this.#at] ?? "") ? ` ${name}` : ` ${name} `;
    if (!/^[a-zA-Z]/.test(name)) return name === "" ? "\\" : name;
    switch (name) {
      case "frac":
      case "dfrac":
      case "tfrac":
      case "cfrac": {
        const above = this.#argument(depth);
        const below = this.#argument(depth);
        return above && below && `${bracketed(above)}/${bracketed(below)}`;
      }
      case "binom": {
        const above = this.#argument(depth);
        const below = this.#argument(depth);
        return above && below && `(${above} choose ${below})`;
      }
      case "sqrt": {
        const option = this.#option();
        const argument = this.#argument(depth);
        return argument && `${raised("^", option)}√${bracketed(argument)}`;
      }
      case "mathbb": {
        const argument = this.#argument(depth);
        return argument && (DOUBLE_STRUCK.get(argument) ?? argument);
      }
      case "left":
      case "right": {
        this.#skipBlanks();
        if (this.#tokens[this.#at] === ".") this.#at++;
        return "";
      }
      case "begin":
      case "end":
        this.#argument(depth);
        return "\n";
      default:
        if (WRAPPERS.has(name)) return this.#argument(depth);
        return DROPPED.has(name) ? "" : `\\${name}`;
    }
  }
}

/** In raised or lowered characters, if all of them exist. */
function raised(mark: "^" | "_", text: string): string {
  const signs = mark === "^" ? SUPERSCRIPTS : SUBSCRIPTS;
  const small = Array.from(text.replaceAll(" ", ""), (sign) => signs.get(sign));
  return small.includes(undefined) ? mark + bracketed(text) : small.join("");
}

/** A text that can stand beside an operator. */
function bracketed(text: string): string {
  const inner = text.trim();
  return /^(?:[\d.]*|[^])$/u.test(inner) ? inner : `(${inner})`;
}

/** Commands that are replaced by their argument. */
// prettier-ignore
const WRAPPERS = new Set([
  "text", "textbf", "textit", "textrm", "mathrm", "mathbf", "mathit", "mathsf", "mathtt", "mathcal", "mathfrak", "boldsymbol",
  "operatorname", "operatorname*", "mbox", "overline", "underline", "boxed", "bar", "hat", "vec", "tilde",
]);

/** Commands that only change the appearance. */
// prettier-ignore
const DROPPED = new Set([
  "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "displaystyle", "textstyle", "limits",
  "nolimits", "nonumber", "hline",
]);

// prettier-ignore
const FUNCTIONS = new Set([
  "sin", "cos", "tan", "cot", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log", "ln", "lg", "exp", "lim", "min",
  "max", "sup", "inf", "det", "gcd", "dim", "ker", "arg", "mod",
]);

/** Commands, and the characters that they stand for. */
const SYMBOLS = new Map<string, string>(
  Object.entries({
    ",": " ",
    ";": " ",
    ":": " ",
    "!": "",
    " ": " ",
    "\\": "\n",
    "|": "‖",
    quad: " ",
    qquad: " ",
    alpha: "α",
    beta: "β",
    gamma: "γ",
    delta: "δ",
    epsilon: "ε",
    varepsilon: "ε",
    zeta: "ζ",
    eta: "η",
    theta: "θ",
    vartheta: "ϑ",
    iota: "ι",
    kappa: "κ",
    lambda: "λ",
    mu: "μ",
    nu: "ν",
    xi: "ξ",
    pi: "π",
    rho: "ρ",
    sigma: "σ",
    tau: "τ",
    upsilon: "υ",
    phi: "φ",
    varphi: "φ",
    chi: "χ",
    psi: "ψ",
    omega: "ω",
    Gamma: "Γ",
    Delta: "Δ",
    Theta: "Θ",
    Lambda: "Λ",
    Xi: "Ξ",
    Pi: "Π",
    Sigma: "Σ",
    Phi: "Φ",
    Psi: "Ψ",
    Omega: "Ω",
    times: " × ",
    cdot: "·",
    div: " ÷ ",
    pm: " ± ",
    mp: " ∓ ",
    ast: "*",
    circ: "∘",
    degree: "°",
    le: " ≤ ",
    leq: " ≤ ",
    leqslant: " ≤ ",
    ge: " ≥ ",
    geq: " ≥ ",
    geqslant: " ≥ ",
    ne: " ≠ ",
    neq: " ≠ ",
    ll: " ≪ ",
    gg: " ≫ ",
    approx: " ≈ ",
    sim: " ∼ ",
    simeq: " ≃ ",
    equiv: " ≡ ",
    cong: " ≅ ",
    propto: " ∝ ",
    to: " → ",
    rightarrow: " → ",
    longrightarrow: " → ",
    leftarrow: " ← ",
    leftrightarrow: " ↔ ",
    Rightarrow: " ⇒ ",
    implies: " ⇒ ",
    Leftarrow: " ⇐ ",
    Leftrightarrow: " ⇔ ",
    iff: " ⇔ ",
    mapsto: " ↦ ",
    in: " ∈ ",
    notin: " ∉ ",
    ni: " ∋ ",
    subset: " ⊂ ",
    subseteq: " ⊆ ",
    supset: " ⊃ ",
    supseteq: " ⊇ ",
    cup: " ∪ ",
    cap: " ∩ ",
    setminus: " ∖ ",
    emptyset: "∅",
    varnothing: "∅",
    forall: "∀",
    exists: "∃",
    neg: "¬",
    lnot: "¬",
    land: " ∧ ",
    wedge: " ∧ ",
    lor: " ∨ ",
    vee: " ∨ ",
    oplus: " ⊕ ",
    otimes: " ⊗ ",
    perp: " ⊥ ",
    parallel: " ∥ ",
    mid: " | ",
    vert: "|",
    angle: "∠",
    infty: "∞",
    partial: "∂",
    nabla: "∇",
    sum: "∑",
    prod: "∏",
    int: "∫",
    iint: "∬",
    oint: "∮",
    hbar: "ℏ",
    ell: "ℓ",
    prime: "′",
    dots: "…",
    ldots: "…",
    cdots: "⋯",
    langle: "⟨",
    rangle: "⟩",
    lfloor: "⌊",
    rfloor: "⌋",
    lceil: "⌈",
    rceil: "⌉",
    therefore: "∴",
    because: "∵",
  }),
);

const DOUBLE_STRUCK = signs("CHNPQRZ", "ℂℍℕℙℚℝℤ");
const SUPERSCRIPTS = signs("0123456789+-=()ni′", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ′");
const SUBSCRIPTS = signs("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ");

function signs(from: string, to: string): ReadonlyMap<string, string> {
  const small = Array.from(to);
  return new Map(Array.from(from, (sign, index) => [sign, small[index] ?? sign]));
}
