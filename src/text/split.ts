import { LONGEST_RENDERED } from "./markdown.ts";
import { withLongerFences } from "./nested-fences.ts";

/** The first length that is tried; later parts start from the fitting length before. */
const FIRST_TRY = 5_000;

/**
 * Splits an answer that is too large for one event into parts: at paragraphs if possible, else at lines, words and
 * finally characters. A cut code block is closed and opened again. However long the answer is, a few pieces are tried
 * for each part, none much longer than the part: the total work of `fits` grows linearly with the answer. No part is
 * computed before it is requested.
 *
 * @param fits whether a part, as it would be sent, is small enough (an event is at most 65,536 bytes, spec "Size
 * limits").
 */
export async function* splitMarkdown(
  markdown: string,
  fits: (part: string) => Promise<boolean>,
): AsyncGenerator<string> {
  if (markdown.length < 2 || (markdown.length <= FIRST_TRY && (await fits(markdown)))) {
    yield markdown;
    return;
  }
  // Computed on the whole text: a part does not show which fences belong together.
  let rest = withLongerFences(markdown);
  let fence: Fence | undefined;
  let guess = FIRST_TRY;
  while (rest.trim() !== "") {
    const opened: string = fence === undefined ? "" : `${fence.opening}\n`;
    const length = await fittingLength(rest, guess, (piece) => fits(closed(opened + piece)));
    guess = length;
    const cut = length === rest.length ? length : borderBefore(rest, length);
    const piece = opened + rest.slice(0, cut);
    if (piece.trim() !== "") yield cut === rest.length ? piece : closed(piece);
    fence = openFence(piece);
    rest = fence === undefined ? rest.slice(cut).replace(/^\s*\n/, "") : rest.slice(cut).replace(/^\n/, "");
    if (fence?.end.test(rest) === true) {
      rest = rest.replace(fence.end, "");
      fence = undefined;
    }
  }
}

/** A fitting length; half as much again does not fit, or exceeds the text or the limit. */
async function fittingLength(text: string, guess: number, fits: (piece: string) => Promise<boolean>): Promise<number> {
  const most = Math.min(text.length, LONGEST_PART);
  const fitsIn = async (length: number): Promise<boolean> => length <= 1 || fits(text.slice(0, length));
  let length = Math.min(guess, most);
  if (await fitsIn(length)) {
    for (;;) {
      const next = Math.min(most, Math.ceil(length * GROWTH));
      if (next === length || !(await fitsIn(next))) return length;
      length = next;
    }
  }
  do length = Math.max(1, Math.floor(length / GROWTH));
  while (!(await fitsIn(length)));
  return length;
}

const GROWTH = 1.4;

/** The longest part, in characters: it leaves room for its fences, and for a note below it. */
const LONGEST_PART = LONGEST_RENDERED - 2_000;

/** A code block that is open at the end of a piece (CommonMark "Fenced code blocks"). */
interface Fence {
  readonly marker: string;
  /** Opens the block again: the marker and, if it is one word, the language. */
  readonly opening: string;
  /** Matches the block's end at the start of the following text. */
  readonly end: RegExp;
}

/** Nobody means a longer row of backticks or tildes as a fence. */
const LONGEST_MARKER = 20;

/** The best border in the second half of the fitting text; a surrogate pair is never cut. */
function borderBefore(text: string, length: number): number {
  for (const border of ["\n\n", "\n", " "]) {
    const at = text.lastIndexOf(border, length - border.length);
    if (at > length / 2) return at + border.length;
  }
  const cutsPair = /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(length - 1, length + 1));
  if (!cutsPair) return length;
  return length > 1 ? length - 1 : 2;
}

/** The piece, with an open code block closed. */
export function closed(piece: string): string {
  const fence = openFence(piece);
  return fence === undefined ? piece.trimEnd() : `${piece.trimEnd()}\n${fence.marker}`;
}

/** The code block that is open at a piece's end, if any. */
function openFence(piece: string): Fence | undefined {
  let open: Fence | undefined;
  for (const line of piece.split("\n")) {
    const [, marker = "", info = ""] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (marker === "") continue;
    if (open !== undefined) {
      if (marker.startsWith(open.marker) && info.trim() === "") open = undefined;
    } else if (marker.length <= LONGEST_MARKER && !(marker.startsWith("`") && info.includes("`"))) {
      const language = /^\s*([\w+#.-]{1,30})\s*$/.exec(info)?.[1] ?? "";
      open = {
        marker,
        opening: marker + language,
        end: new RegExp(`^\\s*${marker}${marker.charAt(0)}*[ \\t]*(\\n|$)`),
      };
    }
  }
  return open;
}
