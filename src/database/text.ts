/** What PostgreSQL's `text` can hold of a string from outside: no NUL, no half surrogate pairs. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "");
}
