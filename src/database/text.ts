/** The part of a string from outside that PostgreSQL's `text` can hold: no NUL, no half surrogate pairs. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "");
}

/** Whether PostgreSQL's `text` can hold the string unchanged. Nothing stored has an id that it can't hold. */
export function isStorable(text: string): boolean {
  return text === storable(text);
}
