/** A text of at most so many characters; where it was longer, an ellipsis shows that it goes on. */
export function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1).toWellFormed()}…`;
}
