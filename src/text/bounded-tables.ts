import type { MarkdownIt, StateBlock } from "markdown-it";

/** The most cells of a table for each of its characters; a short row of a wide table is filled with cells. */
const CELLS_PER_CHARACTER = 2;
const CELLS_BESIDE = 1_000;

/** Leaves a table as text if its HTML would be many times larger: few characters can make thousands of cells. */
export function boundedTables(md: MarkdownIt): void {
  const table = md.block.ruler.getRules("").find(({ name }) => name === "table");
  if (table === undefined) throw new Error("the parser of markdown knows no tables");
  const bounded: typeof table = (state, startLine, endLine, silent) => {
    if (!table(state, startLine, endLine, true)) return false;
    return silent || (!isOutOfProportion(state, startLine, endLine) && table(state, startLine, endLine, false));
  };
  md.block.ruler.at("table", bounded, { alt: ["paragraph", "reference"] });
}

/** Examines only as many lines as necessary. */
function isOutOfProportion(state: StateBlock, startLine: number, endLine: number): boolean {
  const line = (index: number): string =>
    state.src.slice((state.bMarks[index] ?? 0) + (state.tShift[index] ?? 0), state.eMarks[index]);
  // A row of dashes stands below the header.
  const columns = line(startLine + 1).split("|").length;
  let characters = 0;
  for (let index = startLine; index < endLine && !state.isEmpty(index); index++) {
    characters += line(index).length + 1;
    const cells = columns * (index - startLine + 1);
    if (cells > CELLS_PER_CHARACTER * characters + CELLS_BESIDE) return true;
  }
  return false;
}
