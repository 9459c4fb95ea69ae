import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { readableMaths } from "../../../src/text/maths-text.ts";

describe("LaTeX reads like", () => {
  for (const [latex, text] of [
    ["E = mc^2", "E = mc²"],
    ["x_1 + x_{10} - x_{max}", "x₁ + x₁₀ - xₘₐₓ"],
    ["2^{n+1}, e^{i\\pi}, x^y, a_{b,c}", "2ⁿ⁺¹, e^(iπ), x^y, a_(b,c)"],
    ["\\frac{a}{b}", "a/b"],
    ["\\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}", "(-b ± √(b² - 4ac))/(2a)"],
    ["\\frac 1 2", "1/2"],
    ["\\sqrt[3]{x}", "³√x"],
    ["\\binom{n}{k}", "(n choose k)"],
    ["\\alpha\\beta \\leq \\Omega", "αβ ≤ Ω"],
    ["\\lim_{x\\to\\infty} \\sin x", "lim_(x → ∞) sin x"],
    ["\\int_0^1 x\\,dx", "∫₀¹ x dx"],
    ["\\left( x \\right) \\left. y \\right|", "( x ) y |"],
    ["\\text{if } x \\in \\mathbb{R}", "if x ∈ ℝ"],
    ["\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}", "a = b\nc = d"],
    ["\\{ 50\\% \\}", "{ 50% }"],
    ["\\vec{v}", "v"],
    ["\\unheard{x}", "\\unheardx"],
    ["日本 😀", "日本 😀"],
    ["", ""],
  ] as const) {
    it(`${latex} → ${text}`, () => assert.equal(readableMaths(latex), text));
  }

  for (const latex of ["{", "}", "\\frac{a}", "x^", "a}b{c", "{".repeat(100) + "}".repeat(100), "\\frac", "\\"]) {
    it(`itself where it is broken: ${latex.slice(0, 20)}`, () => {
      assert.equal(readableMaths(latex), latex);
    });
  }
});
