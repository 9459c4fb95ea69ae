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
  let fence: string | undefined;
  while (rest.trim() !== "") {
    const opened: string = fence === undefined ? "" : `${fence}\n`;
    const whole = opened + rest;
    if (fits(whole)) {
      parts.push(whole);
      break;
    }
    const length = longestFitting(rest, (piece) => fits(`${opened}${piece}\n\`\`\``));
    const cut = borderBefore(rest, length);
    const piece = opened + rest.slice(0, cut);
    fence = openFence(piece);
    parts.push(fence === undefined ? piece.trimEnd() : `${piece.trimEnd()}\n\`\`\``);
    rest = fence === undefined ? rest.slice(cut).replace(/^\s*\n/, "") : rest.slice(cut).replace(/^\n/, "");
  }
  return parts;
}

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
  return /[\uD800-\uDBFF]/.test(text.charAt(length - 1)) && length > 1 ? length - 1 : length;
}

/** The opening line of the code block that a piece ends in, if it does. */
function openFence(piece: string): string | undefined {
  let open: string | undefined;
  for (const line of piece.split("\n")) {
    if (!/^ {0,3}```/.test(line)) continue;
    open = open === undefined ? line.trim() : undefined;
  }
  return open;
}
