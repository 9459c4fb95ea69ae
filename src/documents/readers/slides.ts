import type { OfficeParts } from "./office-parts.ts";
import { OfficeText } from "./office-text.ts";
import { Paragraphs } from "./paragraphs.ts";
import type { WrittenText } from "./written-text.ts";

/**
 * Reads a PowerPoint presentation, slide by slide in their order, with their notes (PresentationML; ECMA-376, part 1,
 * 19).
 */
export async function readSlides(presentation: OfficeParts, written: WrittenText): Promise<void> {
  const ids: string[] = [];
  await presentation.read({
    open: (name, { "r:id": id }) => {
      if (name === "sldId" && id !== undefined && ids.length <= written.limits.maxPages) ids.push(id);
    },
  });
  for (const [index, id] of ids.entries()) {
    if (written.isFull || index >= written.limits.maxPages) {
      written.leaveOff();
      return;
    }
    const slide = await presentation.named(id);
    if (slide === undefined) continue;
    written.block(`## Slide ${index + 1}`);
    await readText(slide, written);
    for (const type of ["diagramData", "notesSlide"]) {
      for (const part of await slide.ofType(type)) {
        const own = written.apart();
        await readText(part, own);
        const { text } = own.end();
        if (text !== "") written.block(type === "notesSlide" ? `(Notes:) ${text}` : text);
      }
    }
  }
}

async function readText(part: OfficeParts, written: WrittenText): Promise<void> {
  const paragraphs = new Paragraphs(written);
  await part.read(new OfficeText(paragraphs));
  paragraphs.end();
}
