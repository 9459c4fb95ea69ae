/** The part of a string from outside that PostgreSQL's `text` can hold: no NUL, no half surrogate pairs. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "");
}

/** Whether PostgreSQL's `text` can hold the string as it is. An id that it can't hold is no id of anything stored. */
export function isStorable(text: string): boolean {
  return text === storable(text);
}
