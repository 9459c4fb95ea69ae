/** A text of another server's, for a terminal, which must not be told what to do by it. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, "\ufffd");
}
