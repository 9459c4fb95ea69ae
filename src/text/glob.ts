/**
 * Whether a glob matches a text: `*` stands for any run of characters, also none, `?` for one. It takes at most the
 * product of both lengths for every glob: ban lists hold strangers' words, and a regular expression made of them can
 * take for ever.
 */
export function matchesGlob(glob: string, text: string): boolean {
  const pattern = Array.from(glob);
  const characters = Array.from(text);
  let at = 0;
  let from = 0;
  // Where to go on when what follows the last `*` does not fit: one character further on in the text.
  let star: { readonly pattern: number; text: number } | undefined;
  while (at < characters.length) {
    if (pattern[from] === "*") {
      star = { pattern: from, text: at };
      from += 1;
    } else if (pattern[from] === "?" || pattern[from] === characters[at]) {
      from += 1;
      at += 1;
    } else if (star !== undefined) {
      star.text += 1;
      at = star.text;
      from = star.pattern + 1;
    } else return false;
  }
  return pattern.slice(from).every((character) => character === "*");
}

/** Whether a glob stands for more than itself. */
export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}

/** How particular a glob is: the more characters it names, the more; one that stands for itself alone is above all others. */
export function particularity(glob: string): number {
  return isGlob(glob) ? glob.replace(/[*?]/g, "").length : Number.MAX_SAFE_INTEGER;
}
