import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

const MAX_INLINE_CHARS = 2000;
const MAX_BLOCK_LINES = 100;

/**
 * LaTeX in markdown, as the specification's mathematical messages (v1.11): `$…$` and `\(…\)` in a line, `$$…$$` and
 * `\[…\]` as a block. The source itself is what clients show that can't draw it.
 *
 * Dollars are money more often than maths, so a `$` only opens when no letter or digit comes before it and no blank
 * after it, the next `$` closes when no blank comes before it and no letter or digit after it, and what stands between
 * must not read like an amount with words (`$5 and 10$`).
 */
export function maths(md: MarkdownIt): void {
  md.inline.ruler.before("escape", "maths", inlineMaths);
  md.block.ruler.before("fence", "maths_block", blockMaths, { alt: ["paragraph", "reference", "blockquote", "list"] });

  const { escapeHtml } = md.utils;
  md.renderer.rules["maths"] = (tokens, i) => {
    const latex = escapeHtml(tokens[i]?.content ?? "");
    return `<span data-mx-maths="${latex}"><code>${latex}</code></span>`;
  };
  md.renderer.rules["maths_block"] = (tokens, i) => {
    const latex = escapeHtml(tokens[i]?.content ?? "");
    return `<div data-mx-maths="${latex}"><code>${latex}</code></div>\n`;
  };
}

function inlineMaths(state: StateInline, silent: boolean): boolean {
  const opening = /^(?:\$\$?|\\[([])/.exec(state.src.slice(state.pos, state.pos + 2))?.[0];
  if (opening === undefined) return false;
  const closing = CLOSING[opening] ?? opening;
  const start = state.pos + opening.length;
  const end = findClosing(state.src.slice(start, Math.min(state.posMax, start + MAX_INLINE_CHARS)), closing);
  if (end === undefined) return false;

  const latex = state.src.slice(start, start + end);
  const before = state.src.charAt(state.pos - 1);
  const after = state.src.charAt(start + end + closing.length);
  if (latex.trim() === "") return false;
  if (opening === "$" && (isWord(before) || isWord(after) || after === "$" || !isTight(latex) || isMoney(latex)))
    return false;
  // `\[not a link\](…)` is an escaped link.
  if (opening === "\\[" && after === "(") return false;

  if (!silent) {
    const token = state.push("maths", "span", 0);
    token.content = latex.trim();
    token.markup = opening;
  }
  state.pos = start + end + closing.length;
  return true;
}

function blockMaths(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  const lineText = (line: number): string =>
    state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]).trimEnd();
  const first = lineText(startLine);
  const opening = /^(?:\$\$|\\\[)/.exec(first)?.[0];
  if (opening === undefined || (state.sCount[startLine] ?? 0) - state.blkIndent >= 4) return false;
  const closing = CLOSING[opening] ?? opening;

  const latex: string[] = [];
  const lastLine = Math.min(endLine, startLine + MAX_BLOCK_LINES);
  for (let line = startLine; line < lastLine; line++) {
    if (line > startLine && (state.sCount[line] ?? 0) < state.blkIndent) return false;
    const text = line === startLine ? first.slice(opening.length) : lineText(line);
    const end = text.indexOf(closing);
    if (end === -1) {
      latex.push(text);
      continue;
    }
    latex.push(text.slice(0, end));
    const content = latex.join("\n").trim();
    // With words after it, it is part of a sentence.
    if (content === "" || text.length > end + closing.length) return false;
    if (silent) return true;
    const token = state.push("maths_block", "div", 0);
    token.block = true;
    token.content = content;
    token.markup = opening;
    token.map = [startLine, line + 1];
    state.line = line + 1;
    return true;
  }
  return false;
}

const CLOSING: Readonly<Record<string, string>> = { "\\(": "\\)", "\\[": "\\]" };

/** Where `closing` comes first in `text`, not counting an escaped dollar. */
function findClosing(text: string, closing: string): number | undefined {
  for (let at = text.indexOf(closing); at !== -1; at = text.indexOf(closing, at + 1)) {
    if (!closing.startsWith("$") || text.charAt(at - 1) !== "\\") return at;
  }
  return undefined;
}

function isWord(character: string): boolean {
  return /[\p{L}\p{N}]/u.test(character);
}

function isTight(latex: string): boolean {
  return !/^\s|\s$/.test(latex);
}

/** An amount, then words: `5 and 10`. LaTeX commands and groups are no words. */
function isMoney(latex: string): boolean {
  if (!/^[\d.,]/.test(latex)) return false;
  const words = latex.replace(/\\[a-z]+|\{[^{}]*\}/gi, " ");
  return /(?:^|\s)\p{L}{2,}/u.test(words);
}
