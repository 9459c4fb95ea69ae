/**
 * The words for what js-yaml finds wrong: its own speak of the parser's state, and some repeat a part of the file, which may be
 * a password. The first that fits counts.
 */
const FAULTS: readonly (readonly [RegExp, string])[] = [
  [/duplicated mapping key/, "a name stands there twice"],
  [/tab characters/, "a tab, where only spaces indent"],
  [/deficient indentation|unexpected end/, "a quote or bracket is not closed, or a line is indented too little"],
  [/escape sequence|hexadecimal/, "a backslash means nothing there; single quotes keep it as it is"],
  [/non-printable|null byte|JSON character/, "a character that can't be printed"],
  [/alias|anchor|tag/, "a value that begins with * & or ! needs quotes"],
  [/nesting/, "too many levels"],
  [/directive/, "a line that begins with % needs quotes"],
];

const USUAL = "a line is indented wrongly, has no colon, or has a value that needs quotes";

/** What is wrong, from the parser's reason. */
export function yamlFault(reason: string): string {
  return FAULTS.find(([pattern]) => pattern.test(reason))?.[1] ?? USUAL;
}
