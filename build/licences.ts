import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The licence files of a package; some of its authors and notices have files of their own. */
const LICENCE_FILE = /^(licen[cs]e|copying|notice|third[-_ ]?party)[^/]*$/i;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/**
 * The texts of the licences of packages, each under the packages that have it. A package without such a file is named with its
 * licence's identifier.
 *
 * @param folders of the packages.
 */
export async function licenceTexts(folders: readonly string[]): Promise<string> {
  const packagesOf = new Map<string, string[]>();
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
    const files = (await readdir(folder, { withFileTypes: true })).filter(
      (entry) => entry.isFile() && LICENCE_FILE.test(entry.name) && !/\.[cm]?[jt]s$/.test(entry.name),
    );
    const texts = await Promise.all(files.map(({ name: file }) => readFile(join(folder, file), "utf8")));
    const text = texts.length === 0 ? `License: ${license ?? "see the package"}` : texts.map(normal).join("\n\n");
    packagesOf.set(text, [...(packagesOf.get(text) ?? []), `${name} ${version}`]);
  }
  return [...packagesOf]
    .map(([text, names]) => `${names.sort().join("\n")}\n\n${text}\n`)
    .join(`\n${"-".repeat(80)}\n\n`);
}

function normal(text: string): string {
  return text.replaceAll("\r\n", "\n").trim();
}
