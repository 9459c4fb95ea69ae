import { styleText } from "node:util";

/**
 * Text that cannot move the cursor, change colours or ring: without control characters but line feeds and tabs. Other
 * people's text must pass through here before it reaches a terminal.
 */
export function plainText(text: string): string {
  return text.replaceAll(/\r\n?|[\u2028\u2029]/g, "\n").replaceAll(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, "");
}

/** How a piece of text is set off. */
export type Style = "bold" | "dim" | "cyan" | "green" | "red";

/** A piece of a line. Its text has gone through {@link plainText}. */
export interface Span {
  readonly text: string;
  readonly style?: Style;
}

/** A line as it was written; a terminal may need several rows for it. */
export type Line = readonly Span[];

/** A line with the escapes that set its pieces off. */
export function styled(line: Line): string {
  return line.map(({ text, style: format }) => (format === undefined ? text : style(format, text))).join("");
}

/** Lines with the escapes that set their pieces off, each ended. */
export function styledLines(lines: readonly Line[]): string {
  return lines.map((line) => `${styled(line)}\n`).join("");
}

/** Sets off text by a style, unless the person wants none (https://no-color.org). */
export function style(format: Style, text: string): string {
  if ((process.env["NO_COLOR"] ?? "") !== "") return text;
  return styleText(format, text, { validateStream: false });
}

/** Text in lines, all in one style. The plain body of a message is for reading as it is: its marks are no Markdown's. */
export function textLines(text: string, style?: Style): Line[] {
  return plainText(text)
    .trimEnd()
    .split("\n")
    .map((line) => [style === undefined ? { text: line } : { text: line, style }]);
}
