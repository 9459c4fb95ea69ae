import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

const MAX_INLINE_CHARS = 2000;
const MAX_BLOCK_LINES = 100;

/**
 * LaTeX in markdown, in the form of the specification's mathematical messages (v1.11): `$…$` and `\(…\)` in a line,
 * `$$…$$` and `\[…\]` as a block. Clients that can't draw it show the source.
 *
 * Dollars are money more often than maths. So a `$` only opens when no letter or digit comes before it and no blank
 * after it; the next `$` closes when no blank comes before it and no letter or digit after it; and the text between
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
  const end = nextClosing(state, closing, start);
  if (end + closing.length > Math.min(state.posMax, start + MAX_INLINE_CHARS)) return false;

  const latex = state.src.slice(start, end);
  const before = state.src.charAt(state.pos - 1);
  const after = state.src.charAt(end + closing.length);
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
  state.pos = end + closing.length;
  return true;
}

function blockMaths(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  const lineText = (line: number): string =>
    state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]).trimEnd();
  const first = lineText(startLine);
  const opening = /^(?:\$\$|\\\[)/.exec(first)?.[0];
  if (opening === undefined || (state.sCount[startLine] ?? 0) - state.blkIndent >= 4) return false;
  const closing = CLOSING[opening] ?? opening;

  const lastLine = Math.min(endLine, startLine + MAX_BLOCK_LINES) - 1;
  const begin = (state.bMarks[startLine] ?? 0) + (state.tShift[startLine] ?? 0) + opening.length;
  const end = state.src.slice(begin, state.eMarks[lastLine]).indexOf(closing);
  if (end === -1) return false;
  let closingLine = startLine;
  while ((state.eMarks[closingLine] ?? Infinity) < begin + end) closingLine++;
  // Followed by words, it is part of a sentence.
  if (state.src.slice(begin + end + closing.length, state.eMarks[closingLine]).trim() !== "") return false;
  const latex: string[] = [];
  for (let line = startLine; line <= closingLine; line++) {
    if (line > startLine && (state.sCount[line] ?? 0) < state.blkIndent) return false;
    latex.push(line === startLine ? first.slice(opening.length) : lineText(line));
  }
  const content = latex.join("\n").trimEnd().slice(0, -closing.length).trim();
  if (content === "") return false;
  if (silent) return true;
  const token = state.push("maths_block", "div", 0);
  token.block = true;
  token.content = content;
  token.markup = opening;
  token.map = [startLine, closingLine + 1];
  state.line = closingLine + 1;
  return true;
}

const CLOSING: Readonly<Record<string, string>> = { "\\(": "\\)", "\\[": "\\]" };

/** The next end mark, and the place where the search for it began. */
interface Closing {
  readonly from: number;
  readonly at: number;
}

/** The end marks found in a text, so that it is not searched again for each start mark. */
const closings = new WeakMap<StateInline, Map<string, Closing>>();

/** The next place of `closing` in the text, without escaped dollars; Infinity where there is none. */
function nextClosing(state: StateInline, closing: string, from: number): number {
  const known = closings.get(state) ?? new Map<string, Closing>();
  closings.set(state, known);
  const last = known.get(closing);
  if (last !== undefined && last.from <= from && from <= last.at) return last.at;
  let at = state.src.indexOf(closing, from);
  while (at !== -1 && closing.startsWith("$") && state.src.charAt(at - 1) === "\\") {
    at = state.src.indexOf(closing, at + 1);
  }
  const found = at === -1 ? Infinity : at;
  known.set(closing, { from, at: found });
  return found;
}

function isWord(character: string): boolean {
  return /[\p{L}\p{N}]/u.test(character);
}

function isTight(latex: string): boolean {
  return !/^\s|\s$/.test(latex);
}

/** An amount followed by words: `5 and 10`. LaTeX commands and groups are no words. */
function isMoney(latex: string): boolean {
  if (!/^[\d.,]/.test(latex)) return false;
  const words = latex.replace(/\\[a-z]+|\{[^{}]*\}/gi, " ");
  return /(?:^|\s)\p{L}{2,}/u.test(words);
}
