import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { inCheckout } from "./paths.ts";
import { temporaryDirectory } from "./temporary.ts";

const run = promisify(execFile);

/** The package as `npm install --global` leaves it. */
export interface InstalledPackage {
  /** The path of `matrix-agents`. */
  readonly program: string;
  /** The folder of the package. */
  readonly folder: string;
  /** Variables with which the program finds the Node of the tests, and nothing of the checkout. */
  readonly env: NodeJS.ProcessEnv;
  /** The size of the packed file, and of everything that was installed, in bytes. */
  readonly packed: number;
  readonly bytes: number;
  /** The number of installed packages, this one included. */
  readonly packages: number;
}

/**
 * Packs the checkout as `npm publish` would, and installs the file into an empty prefix, with an empty cache and without the network.
 */
export async function installPackage(): Promise<InstalledPackage> {
  const [target, prefix, cache] = await Promise.all(["packed", "prefix", "cache"].map(temporaryDirectory));
  if (target === undefined || prefix === undefined || cache === undefined) throw new Error("there are no folders");
  const { PATH = "" } = process.env;
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, PATH: `${dirname(process.execPath)}${delimiter}${PATH}` };
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", target], {
    cwd: inCheckout("."),
    env,
    maxBuffer: 1e8,
  });
  // npm shows the output of the build before it.
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf("[\n"))) as { filename: string; size: number }[];
  if (packed === undefined) throw new Error(`nothing was packed: ${stdout}`);
  await run(
    "npm",
    ["install", "--global", "--offline", "--prefix", prefix, "--cache", cache, join(target, packed.filename)],
    { cwd: target, env },
  );
  const modules = join(prefix, "lib/node_modules");
  const manifests = (await readdir(modules, { recursive: true })).filter((path) =>
    /(?:^|node_modules\/)(?:@[^/]+\/)?[^/]+\/package\.json$/.test(path),
  );
  return {
    program: join(prefix, "bin/matrix-agents"),
    folder: join(modules, "matrix-appservice-agents"),
    env: { PATH: env.PATH },
    packed: packed.size,
    bytes: Number((await run("du", ["-sb", modules])).stdout.split("\t")[0]),
    packages: manifests.length,
  };
}

/** The version in package.json. */
export async function checkoutVersion(): Promise<string> {
  return (JSON.parse(await readFile(inCheckout("package.json"), "utf8")) as { version: string }).version;
}

/** The absolute paths in a text of files that come with the package. */
export function namedFiles(text: string): readonly string[] {
  return [
    ...text.matchAll(/(?:file:\/\/)?(\/[^\s;,()]*\/(?:docs\/[\w/-]+\.md|config\.(?:schema|example)\.yaml))/g),
  ].map(([, path = ""]) => decodeURIComponent(path));
}

/** The files of the package that messages name. */
export async function filesOfMessages(): Promise<readonly string[]> {
  const names = (await readdir(inCheckout("src"), { recursive: true })).filter((name) => name.endsWith(".ts"));
  const texts = await Promise.all(names.map((name) => readFile(inCheckout(join("src", name)), "utf8")));
  return texts.flatMap((text) => [...text.matchAll(/packageFile\("([^"]+)"\)/g)].map(([, file = ""]) => file));
}
