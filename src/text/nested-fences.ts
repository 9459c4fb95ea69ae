/** A fence of code (CommonMark "Fenced code blocks"). */
interface Fence {
  readonly line: number;
  readonly marker: string;
  readonly info: string;
}

/** Languages of code blocks that show text with fences in it. */
const SHOWS_MARKDOWN = /^(?:markdown|md|mdx|rmd|gfm|commonmark)$/i;
const SHOWS_TEXT = /^(?:text|txt|plain|plaintext)?$/i;

/**
 * Markdown in which a block that shows markdown with fences gets a longer fence than those. Models use the same fence
 * for both, and CommonMark then takes the first inner end for the outer one. Nothing else is changed, and a second call
 * changes nothing. Linear in the text.
 */
export function withLongerFences(markdown: string): string {
  if (!/^[ \t]*(?:```|~~~)[\s\S]*^[ \t]*(?:```|~~~)/m.test(markdown)) return markdown;
  const lines = markdown.split("\n");
  const fences = lines.flatMap((text, line) => fenceIn(text, line) ?? []);
  const bareAfter = bareFencesAfter(fences);
  for (let at = 0; at < fences.length;) {
    const block = blockFrom(fences, at, lines, bareAfter);
    const [outer] = block.inside;
    if (block.innerLength > 0 && outer !== undefined) {
      const marker = outer.marker.charAt(0).repeat(block.innerLength + 1);
      for (const { line, marker: before } of [outer, ...(block.end === undefined ? [] : [block.end])])
        lines[line] = (lines[line] ?? "").replace(before, marker);
    }
    at = block.next;
  }
  return lines.join("\n");
}

interface Block {
  /** The block's beginning, then the fences in it. */
  readonly inside: readonly Fence[];
  /** Undefined where the block reaches the end of the text. */
  readonly end: Fence | undefined;
  /** The length of the longest fence in it that would end it; 0 where there is none. */
  readonly innerLength: number;
  /** The index of the next fence after it. */
  readonly next: number;
}

function blockFrom(
  fences: readonly Fence[],
  start: number,
  lines: readonly string[],
  bareAfter: readonly number[],
): Block {
  const outer = fences[start];
  if (outer === undefined) return { inside: [], end: undefined, innerLength: 0, next: start + 1 };
  const [language = ""] = outer.info.split(/[\s{]/);
  const isMarkdown = SHOWS_MARKDOWN.test(language);
  const mayNest = isMarkdown || SHOWS_TEXT.test(language);
  let inner: Fence | undefined;
  let innerLength = 0;
  for (let at = start + 1; at < fences.length; at++) {
    const fence = fences[at];
    if (fence?.marker.startsWith(outer.marker) !== true) continue;
    const isBare = fence.info === "";
    if (inner !== undefined) {
      if (isBare && fence.marker.startsWith(inner.marker)) inner = undefined;
      continue;
    }
    const endsLater = (bareAfter[at] ?? 0) >= 2;
    const begins = isBare ? isMarkdown && endsLater && looksLikeBeginning(lines, fence.line) : isMarkdown || endsLater;
    if (mayNest && begins) {
      inner = fence;
      innerLength = Math.max(innerLength, fence.marker.length);
    } else if (isBare) return { inside: fences.slice(start, at), end: fence, innerLength, next: at + 1 };
  }
  return { inside: fences.slice(start), end: undefined, innerLength, next: fences.length };
}

/** A bare fence begins a block where a blank line or a colon stands before it, and a line of code directly after it. */
function looksLikeBeginning(lines: readonly string[], line: number): boolean {
  const before = (lines[line - 1] ?? "").trim();
  return (before === "" || before.endsWith(":") || before.endsWith("：")) && (lines[line + 1] ?? "").trim() !== "";
}

/** For each fence, the number of later fences without an info string. */
function bareFencesAfter(fences: readonly Fence[]): number[] {
  const counts: number[] = [];
  let count = 0;
  for (const { info } of fences.toReversed()) {
    counts.push(count);
    if (info === "") count++;
  }
  return counts.reverse();
}

/** Longer rows are no fences, as in split.ts, with room for one more character. */
function fenceIn(text: string, line: number): Fence | undefined {
  const [, marker = "", info = ""] = /^[ \t]*(`{3,19}|~{3,19})(?![`~])([^\n]*)$/.exec(text) ?? [];
  if (marker === "" || (marker.startsWith("`") && info.includes("`"))) return undefined;
  return { line, marker, info: info.trim() };
}
