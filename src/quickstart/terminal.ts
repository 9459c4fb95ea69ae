import { styleText } from "node:util";

/**
 * Text that cannot move the cursor, change colours or ring: without control characters but line feeds and tabs. What
 * others wrote must pass through here before it reaches a terminal.
 */
export function plainText(text: string): string {
  return text.replaceAll(/\r\n?/g, "\n").replaceAll(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, "");
}

/**
 * An answer, which is Markdown, as a terminal shows it: the marks stay where they carry meaning, the commonest become
 * styles.
 *
 * @param styled whether the terminal shows styles.
 */
export function renderAnswer(markdown: string, styled: boolean): string {
  const text = plainText(markdown).trimEnd();
  if (!styled) return text;
  let inCode = false;
  return text
    .split("\n")
    .map((line) => {
      if (/^\s*(```|~~~)/.test(line)) {
        inCode = !inCode;
        return style("dim", line);
      }
      return inCode ? style("cyan", line) : renderLine(line);
    })
    .join("\n");
}

function renderLine(line: string): string {
  const heading = /^#{1,6}\s+(.*)$/.exec(line)?.[1];
  if (heading !== undefined) return style("bold", heading);
  return line
    .split(/(`[^`]+`)/)
    .map((part) =>
      part.length > 2 && part.startsWith("`")
        ? style("cyan", part.slice(1, -1))
        : part.replaceAll(/\*\*(\S(?:.*?\S)?)\*\*/g, (_, bold: string) => style("bold", bold)),
    )
    .join("");
}

/** Sets off text by a style. */
export function style(format: "bold" | "dim" | "cyan" | "green" | "red", text: string): string {
  return styleText(format, text, { validateStream: false });
}
