/** Removes control characters from another server's text, which must not control the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, "\ufffd");
}
