import type { OfficeParts } from "./office-parts.ts";
import { OfficeText } from "./office-text.ts";
import { Paragraphs } from "./paragraphs.ts";
import type { WrittenText } from "./written-text.ts";

/** The parts around a document's text: before it, and after it. */
const BEFORE = [["header", "Header"]] as const;
const AFTER = [
  ["footnotes", "Footnotes"],
  ["endnotes", "Endnotes"],
  ["comments", "Comments"],
  ["footer", "Footer"],
] as const;

/** Reads a Word document (WordprocessingML; ECMA-376, part 1, 17). */
export async function readWordDocument(document: OfficeParts, written: WrittenText): Promise<void> {
  const { levels, lists } = await stylesOf(document);
  const around = async (all: readonly (readonly [string, string])[]): Promise<void> => {
    for (const [type, title] of all) await readAround(document, type, title, written);
  };
  await around(BEFORE);
  const paragraphs = new Paragraphs(written);
  await document.read(
    new OfficeText(paragraphs, (name, { val = "" }) => {
      if (name === "numPr" || (name === "pStyle" && lists.has(val))) paragraphs.item();
      const level = name === "outlineLvl" ? Number(val) + 1 : name === "pStyle" ? levels.get(val) : undefined;
      if (level !== undefined && level <= 9) paragraphs.heading(level);
    }),
  );
  paragraphs.end();
  await around(AFTER);
}

interface Styles {
  /** The levels of headings; 1 is the highest. */
  readonly levels: ReadonlyMap<string, number>;
  readonly lists: ReadonlySet<string>;
}

/** Headings are recognised by the level of their style, because the style's name is in the writer's language. */
async function stylesOf(document: OfficeParts): Promise<Styles> {
  const levels = new Map<string, number>();
  const lists = new Set<string>();
  for (const styles of await document.ofType("styles")) {
    let style = "";
    await styles.read({
      open: (name, { styleId = "", val = "" }) => {
        if (name === "style") style = styleId;
        if (name === "outlineLvl") levels.set(style, Number(val) + 1);
        if (name === "numPr") lists.add(style);
      },
    });
  }
  return { levels, lists };
}

/** Each kind of page may have its own header, with the same words. */
async function readAround(document: OfficeParts, type: string, title: string, written: WrittenText): Promise<void> {
  const seen = new Set<string>();
  for (const part of await document.ofType(type)) {
    const own = written.apart();
    const paragraphs = new Paragraphs(own);
    await part.read(new OfficeText(paragraphs));
    paragraphs.end();
    const { text } = own.end();
    if (text === "" || seen.has(text)) continue;
    seen.add(text);
    written.block(`(${title}:) ${text}`);
  }
}
