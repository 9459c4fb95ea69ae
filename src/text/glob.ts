/**
 * Whether a glob matches a text: `*` matches any number of characters, `?` one. It takes at most the product of both
 * lengths for every glob: ban lists hold strangers' words, and a regular expression made from them could take for ever.
 */
export function matchesGlob(glob: string, text: string): boolean {
  const pattern = Array.from(glob);
  const characters = Array.from(text);
  let at = 0;
  let from = 0;
  // The place to continue when the part after the last `*` does not match: one character further in the text.
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

/** Whether a glob matches more than itself. */
export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}

/**
 * The specificity of a glob: it grows with the literal characters; a glob that matches only itself ranks above all
 * others.
 */
export function particularity(glob: string): number {
  return isGlob(glob) ? glob.replace(/[*?]/g, "").length : Number.MAX_SAFE_INTEGER;
}
