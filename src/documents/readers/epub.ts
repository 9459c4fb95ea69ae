import { posix } from "node:path";
import type { Archive } from "./archive.ts";
import { DocumentClosed } from "./document-closed.ts";
import { textOfHtml } from "./web-page.ts";
import type { WrittenText } from "./written-text.ts";
import { readXml } from "./xml.ts";

/** The part of a chapter that is read, in bytes. */
const MOST_BYTES = 5_000_000;

/** The most items in a book's list; no real book has more. */
const MOST_ITEMS = 20_000;

/** The usual place of a book's table of contents. */
const PACKAGE = "OEBPS/content.opf";

/** Reads a book, chapter by chapter in reading order (EPUB 3.3). Throws {@link DocumentClosed}. */
export async function readEpub(archive: Archive, written: WrittenText): Promise<void> {
  const opf = await packagePath(archive);
  const { about, chapters } = await contentsOf(archive, opf);
  const locked = await lockedPaths(archive);
  if (chapters.some((path) => locked.has(path))) throw new DocumentClosed("locked");
  written.block(about.join(", "));
  let number = 0;
  for (const path of chapters) {
    if (written.isFull || number >= written.limits.maxPages) {
      written.leaveOff();
      return;
    }
    const text = textOfHtml((await archive.bytes(path, MOST_BYTES)).toString());
    // Covers and the like hold no words.
    if (text.trim() === "") continue;
    written.block(`## Chapter ${++number}`);
    written.block(text);
  }
}

async function packagePath(archive: Archive): Promise<string> {
  let path: string | undefined;
  await readXml(archive.pieces("META-INF/container.xml"), {
    open: (name, attributes) => {
      if (name === "rootfile") path ??= attributes["full-path"];
    },
  });
  return path ?? PACKAGE;
}

/** A book's title and authors, and the paths of its chapters. */
async function contentsOf(archive: Archive, opf: string): Promise<{ about: string[]; chapters: string[] }> {
  const folder = posix.dirname(opf);
  const paths = new Map<string, string>();
  const order: string[] = [];
  const about: string[] = [];
  let isAbout = false;
  await readXml(archive.pieces(opf), {
    open: (name, { id = "", href = "", idref = "" }) => {
      if (name === "item" && paths.size < MOST_ITEMS) paths.set(id, posix.join(folder, unescaped(href)));
      if (name === "itemref" && order.length < MOST_ITEMS) order.push(idref);
      isAbout = (name === "title" || name === "creator") && about.length < 10;
      if (isAbout) about.push("");
    },
    text: (text) => {
      if (isAbout) about.push((about.pop() ?? "") + text);
    },
    close: () => {
      isAbout = false;
    },
  });
  return { about, chapters: order.flatMap((id) => paths.get(id) ?? []) };
}

/** The parts that only a shop's program can open. Even a free book may have locked fonts. */
async function lockedPaths(archive: Archive): Promise<ReadonlySet<string>> {
  const paths = new Set<string>();
  await readXml(archive.pieces("META-INF/encryption.xml"), {
    open: (name, attributes) => {
      if (name === "CipherReference" && paths.size < MOST_ITEMS) paths.add(unescaped(attributes["URI"] ?? ""));
    },
  });
  return paths;
}

/** A path as it stands in an address. */
function unescaped(href: string): string {
  const [path = ""] = href.split("#");
  try {
    return decodeURIComponent(path);
  } catch {
    // It was not escaped.
    return path;
  }
}
