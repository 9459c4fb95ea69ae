import { posix } from "node:path";
import type { Archive } from "./archive.ts";
import { readXml, type XmlHandler } from "./xml.ts";

/** The most parts of a kind that are read; a workbook has one for each sheet, a presentation a few for each slide. */
const MOST_PARTS = 20_000;

/**
 * The possible main parts of an Office file, by path, each with its type (ECMA-376, part 2, "Content types"): first the
 * one that the package names, then all others. Empty where the package gives no types.
 */
export async function mainParts(archive: Archive): Promise<readonly (readonly [path: string, type: string])[]> {
  const types = new Map<string, string>();
  const byEnding = new Map<string, string>();
  await readXml(archive.pieces("[Content_Types].xml"), {
    open: (name, { PartName, Extension, ContentType }) => {
      if (ContentType === undefined || types.size + byEnding.size >= MOST_PARTS) return;
      if (name === "Override" && PartName !== undefined) types.set(PartName.replace(/^\//, ""), ContentType);
      if (name === "Default" && Extension !== undefined) byEnding.set(`.${Extension}`, ContentType);
    },
  });
  const named = await new OfficeParts(archive, "").ofType("officeDocument");
  const main = named.map(({ path }) => [path, types.get(path) ?? byEnding.get(posix.extname(path)) ?? ""] as const);
  return [...main, ...types];
}

/** A reference from one part to another. */
interface Relationship {
  readonly id: string;
  /** The last word of its type: `slide`, `header`, `styles` … */
  readonly type: string;
  readonly path: string;
}

/**
 * A part of an Office file with the parts that it refers to (ECMA-376, part 2, "Relationships"). Targets outside the
 * file are left out.
 */
export class OfficeParts {
  readonly #archive: Archive;
  readonly path: string;
  #related: Promise<readonly Relationship[]> | undefined;

  /** @param path that of the package itself is "". */
  constructor(archive: Archive, path: string) {
    this.#archive = archive;
    this.path = path;
  }

  read(handler: XmlHandler): Promise<void> {
    return readXml(this.#archive.pieces(this.path), handler);
  }

  /** The part with that id; undefined where there is none. */
  async named(id: string): Promise<OfficeParts | undefined> {
    const found = (await this.#relationships()).find((one) => one.id === id);
    return found && new OfficeParts(this.#archive, found.path);
  }

  /** Its parts of a type, each once, in the order of the references. */
  async ofType(type: string): Promise<readonly OfficeParts[]> {
    const found = (await this.#relationships()).filter((one) => one.type === type).map(({ path }) => path);
    return [...new Set(found)].map((path) => new OfficeParts(this.#archive, path));
  }

  #relationships(): Promise<readonly Relationship[]> {
    this.#related ??= this.#readRelationships();
    return this.#related;
  }

  async #readRelationships(): Promise<readonly Relationship[]> {
    const folder = posix.dirname(this.path);
    const found: Relationship[] = [];
    await readXml(this.#archive.pieces(posix.join(folder, "_rels", `${posix.basename(this.path)}.rels`)), {
      open: (name, { Id: id, Type: type = "", Target: target, TargetMode: mode }) => {
        if (name !== "Relationship" || id === undefined || target === undefined || mode === "External") return;
        const path = target.startsWith("/") ? target.slice(1) : posix.join(folder, target);
        if (found.length < MOST_PARTS) found.push({ id, type: type.slice(type.lastIndexOf("/") + 1), path });
      },
    });
    return found;
  }
}
