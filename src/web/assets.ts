import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { RequestHandler } from "express";

/**
 * The files that browsers load beside the page: their places in a checkout, relative to this file. In the package all lie in
 * `lib/web` under these names.
 */
export const ASSETS = {
  "page.css": { source: "./assets/page.css", type: "text/css" },
  "page.js": { source: "./assets/page.js", type: "text/javascript" },
  "icon.svg": { source: "./assets/icon.svg", type: "image/svg+xml" },
  "idiomorph.js": { source: "../../node_modules/idiomorph/dist/idiomorph.min.js", type: "text/javascript" },
  "inter.woff2": {
    source: "../../node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    type: "font/woff2",
  },
} as const satisfies Readonly<Record<string, { readonly source: string; readonly type: string }>>;

/** The name of a file that browsers load. */
type AssetName = keyof typeof ASSETS;

const NAMES = Object.keys(ASSETS) as readonly AssetName[];

/** The links to the files. They change with the content, so that a browser keeps each for ever. */
export type AssetLinks = Readonly<Record<AssetName, string>>;

/** The files, read once. */
export class Assets {
  readonly #files: ReadonlyMap<string, { readonly type: string; readonly bytes: Buffer }>;
  /** The hash of all: they name each other. */
  readonly #hash: string;

  private constructor(files: readonly { readonly name: AssetName; readonly bytes: Buffer }[]) {
    const hash = createHash("sha256");
    for (const { bytes } of files) hash.update(bytes);
    this.#hash = hash.digest("hex").slice(0, 16);
    this.#files = new Map(files.map(({ name, bytes }) => [this.#path(name), { type: ASSETS[name].type, bytes }]));
  }

  /** Reads them. Throws the error of the file system. */
  static async read(): Promise<Assets> {
    return new Assets(await Promise.all(NAMES.map(async (name) => ({ name, bytes: await readAsset(name) }))));
  }

  /** @param base the path before each of the page's own. */
  links(base: string): AssetLinks {
    return Object.fromEntries(NAMES.map((name) => [name, `${base}${this.#path(name)}`])) as Record<AssetName, string>;
  }

  get routes(): RequestHandler {
    return (request, response, next) => {
      const file = request.method === "GET" ? this.#files.get(request.path) : undefined;
      if (file === undefined) next();
      else response.set("Cache-Control", "public, max-age=31536000, immutable").type(file.type).send(file.bytes);
    };
  }

  #path(name: AssetName): string {
    return `/assets/${this.#hash}/${name}`;
  }
}

/** Bundled code lies in `lib`, with these files in a folder beside it. */
async function readAsset(name: AssetName): Promise<Buffer> {
  const places = [`./web/${name}`, ASSETS[name].source].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  for (const place of places) {
    try {
      return await readFile(place);
    } catch (error) {
      if (place === places.at(-1)) throw error;
    }
  }
  throw new Error(`${name} is not part of this program`);
}
