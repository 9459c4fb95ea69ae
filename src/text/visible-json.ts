/**
 * A JSON value as text in which nothing is hidden: characters that are invisible, look like a space, or change the
 * direction of text are written as escapes, and so are the `@` of `@room`, and spaces that would push what follows them
 * out of sight. It stays JSON of the same value.
 */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value, null, 2)
    .toWellFormed()
    .replace(HIDDEN, escaped)
    .replace(GAP, escaped)
    .replace(/@(?=room)/giu, escaped);
}

/**
 * A stranger's text for people, in which nothing is hidden, as in {@link visibleJson}, but in lines of its own. Runs of spaces
 * and empty lines become one.
 */
export function visibleText(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, "\n")
    .replace(/[ \t]+/g, " ")
    .replace(/ ?\n[\n ]*/g, "\n")
    .replace(HIDDEN, escaped)
    .replace(/@(?=room)/giu, escaped)
    .trim();
}

/** Everything but letters, marks, signs, digits, the space and the line feeds between values. */
const HIDDEN = /(?![ \n])[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Spaces within a string, after as many as a text may well have. A line of JSON begins with others. */
const GAP = /(?<=[^\n ] {8}) +/g;

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    const unit = character.charCodeAt(at).toString(16).padStart(4, "0");
    return `\\u${unit}`;
  }).join("");
}
