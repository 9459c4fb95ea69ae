/**
 * Splits an answer that is too large for one event into parts that are not, at paragraph borders where it can, else at
 * lines, words and at last characters. A code block that is cut is closed and opened again.
 *
 * @param fits whether a part, as it would be sent, is small enough (an event is at most 65,536 bytes, spec "Size limits").
 */
export function splitMarkdown(markdown: string, fits: (part: string) => boolean): string[] {
  if (fits(markdown) || markdown.length < 2) return [markdown];
  const parts: string[] = [];
  let rest = markdown;
  let fence: Fence | undefined;
  while (rest.trim() !== "") {
    const opened: string = fence === undefined ? "" : `${fence.opening}\n`;
    if (fits(opened + rest)) {
      parts.push(opened + rest);
      break;
    }
    const length = longestFitting(rest, (piece) => fits(closed(opened + piece)));
    const cut = borderBefore(rest, length);
    const piece = opened + rest.slice(0, cut);
    if (piece.trim() !== "") parts.push(closed(piece));
    fence = openFence(piece);
    rest = fence === undefined ? rest.slice(cut).replace(/^\s*\n/, "") : rest.slice(cut).replace(/^\n/, "");
    if (fence?.end.test(rest) === true) {
      rest = rest.replace(fence.end, "");
      fence = undefined;
    }
  }
  return parts;
}

/** A code block that is open where a piece ends (CommonMark "Fenced code blocks"). */
interface Fence {
  readonly marker: string;
  /** Opens the block again: the marker and, where it is one word, the language. */
  readonly opening: string;
  /** Matches the block's end at the start of what follows. */
  readonly end: RegExp;
}

/** Backticks or tildes in a longer row than this are no fence that anybody means. */
const LONGEST_MARKER = 20;

function longestFitting(text: string, fits: (piece: string) => boolean): number {
  let low = 1;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(text.slice(0, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The best border in the second half of what fits; a surrogate pair is never cut. */
function borderBefore(text: string, length: number): number {
  for (const border of ["\n\n", "\n", " "]) {
    const at = text.lastIndexOf(border, length - border.length);
    if (at > length / 2) return at + border.length;
  }
  const cutsPair = /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(length - 1, length + 1));
  if (!cutsPair) return length;
  return length > 1 ? length - 1 : 2;
}

/** The piece, its code block closed if one is open. */
function closed(piece: string): string {
  const fence = openFence(piece);
  return fence === undefined ? piece.trimEnd() : `${piece.trimEnd()}\n${fence.marker}`;
}

/** The code block that a piece ends in, if it does. */
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
