/** A table under a title. Its first column is words, the others are numbers or short words. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** For a terminal. */
export function asText({ title, head, rows }: Table): string {
  const widths = head.map((word, column) => Math.max(word.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ");
  return [title, line(head), ...rows.map(line)].join("\n  ");
}

/** For a page in Markdown. */
export function asMarkdown({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const marks = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [`### ${title}`, "", line(head), line(marks), ...rows.map(line)].join("\n");
}
