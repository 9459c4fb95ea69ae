/**
 * A JSON value as text in which nothing is hidden: characters that are invisible, look like a space, or change the
 * direction of text are written as escapes, and so is the `@` of `@room`. It stays JSON of the same value.
 */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value, null, 2)
    .toWellFormed()
    .replace(HIDDEN, escaped)
    .replace(/@(?=room)/giu, escaped);
}

/** Everything but letters, marks, signs, digits, the space and the line feeds between values. */
const HIDDEN = /(?![ \n])[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    const unit = character.charCodeAt(at).toString(16).padStart(4, "0");
    return `\\u${unit}`;
  }).join("");
}
