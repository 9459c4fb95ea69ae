import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A package of others, of which there may be code in the program. */
export interface Library {
  readonly name: string;
  readonly version: string;
  /** SPDX. */
  readonly licence: string;
}

/** The licences of packages that name none in the form that the lock file takes over, from the files that they bring. */
const UNNAMED: Readonly<Record<string, string>> = {
  async: "MIT",
  "binary-search-tree": "MIT",
  nedb: "MIT",
  underscore: "MIT",
};

/** What some of them contain of others in turn, whose licences are not in the lock file. */
const CONTAINED = `@electric-sql/pglite has PostgreSQL (PostgreSQL), @matrix-org/matrix-sdk-crypto-wasm has matrix-rust-sdk (Apache-2.0), vodozemac
(Apache-2.0) and what these need, unpdf has Mozilla's pdf.js (Apache-2.0).`;

/** The names of the packages that src imports. */
export async function importedPackages(): Promise<readonly string[]> {
  const names = new Set<string>();
  for await (const file of glob(`${ROOT}src/**/*.ts`)) {
    const text = await readFile(file, "utf8");
    for (const [, name = ""] of text.matchAll(/(?:\bfrom |\bimport\()"((?:@[\w.-]+\/)?[\w-][\w.-]*)(?:\/[^"]*)?"/g))
      names.add(name);
    // Files that go into the package as they are.
    for (const [, name = ""] of text.matchAll(/"[./]+\/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//g)) names.add(name);
  }
  return [...names].sort();
}

/** The packages that src imports, and those that these need in turn, by the lock file. Types are in no program. */
export async function libraries(): Promise<readonly Library[]> {
  const { packages } = JSON.parse(await readFile(`${ROOT}package-lock.json`, "utf8")) as {
    packages: Readonly<Record<string, Locked>>;
  };
  const found = new Map<string, Library>();
  const waiting = (await importedPackages()).map((name) => placeOf(packages, "", name));
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const name = place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
    const { version = "", license, dependencies = {}, optionalDependencies = {} } = packages[place] ?? {};
    if (found.has(place) || name.startsWith("@types/")) continue;
    found.set(place, {
      name,
      version,
      licence: license?.startsWith("SEE ") === false ? license : (UNNAMED[name] ?? ""),
    });
    for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) {
      waiting.push(placeOf(packages, place, other));
    }
  }
  const once = new Map([...found.values()].map((library) => [`${library.name} ${library.version}`, library]));
  return [...once.values()].sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

/** Where a package finds another one: in the nearest `node_modules` that has it. Undefined for one that is not installed. */
function placeOf(packages: Readonly<Record<string, Locked>>, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const place = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (place in packages) return place;
    if (folder === "") return undefined;
  }
}

/** NOTICE: whose code the program may hold. */
export async function notice(): Promise<string> {
  const all = await libraries();
  const byLicence = Map.groupBy(all, ({ licence }) => licence);
  const sections = [...byLicence]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([licence, some]) => `${licence}\n${some.map(({ name, version }) => `  ${name} ${version}`).join("\n")}\n`);
  return `matrix-appservice-agents
Apache License, version 2.0: see LICENSE.

The program holds code of these packages, under the licences above each of them. The package, the image and the Debian package have
the texts of the licences of what is really in them in dist/LICENCES.txt. Made of package-lock.json by \`npm run docs\`.

${CONTAINED}

${sections.join("\n")}`;
}
