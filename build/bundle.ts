import { copyFile, mkdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { ASSETS } from "../src/web/assets.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const CRYPTO = "node_modules/@matrix-org/matrix-sdk-crypto-wasm";
const PGLITE = "node_modules/@electric-sql/pglite/dist";

/** The files that libraries read beside themselves: the folder of each below `lib`, and its source. */
const READ_BESIDE = [
  ["pkg", `${CRYPTO}/pkg/matrix_sdk_crypto_wasm_bg.wasm`],
  [".", `${PGLITE}/pglite.wasm`],
  [".", `${PGLITE}/pglite.data`],
  [".", `${PGLITE}/initdb.wasm`],
] as const;

/** Libraries in CommonJS use these, which modules of ECMAScript do not have. */
const COMMONJS =
  'import{createRequire as $createRequire}from"node:module";' +
  "const require=$createRequire(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;";

/**
 * lodash asks for a module of Node by `module.require`, which bundled modules do not have, and then for Node's own insides, which the
 * guard refuses and tells.
 */
const LODASH: Plugin = {
  name: "lodash",
  setup: (building) => {
    building.onLoad({ filter: /\/lodash\/(?:lodash|_nodeUtil)\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replaceAll("freeModule.require", "require"),
    }));
  },
};

/**
 * Bundles src with its libraries: `main.js` is the command, and everything else is in `lib`, where each file is as deep as those in
 * the folders of src, so that they find the package's files by the same paths. What is imported late stays a file of its own.
 *
 * @param folder is emptied by the caller.
 * @returns the folders of the packages of which something is in it, relative to the checkout.
 */
export async function bundle(folder: string): Promise<readonly string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [
      { in: "src/main.js", out: "main" },
      // A program of its own, which the bridge starts for each document.
      { in: "src/documents/document-reader.ts", out: "lib/document-reader" },
    ],
    outdir: folder,
    chunkNames: "lib/[name]-[hash]",
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node24",
    // Names stay, so that stacks can be read; the maps lead from there to the lines of src.
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
    banner: { js: COMMONJS },
    alias: {
      // Otherwise it is Node's own, which Node deprecates with a line at each start.
      punycode: join(ROOT, "node_modules/punycode/punycode.js"),
      // matrix-bot-sdk imports the native engine, and never uses it here.
      "@matrix-org/matrix-sdk-crypto-nodejs": join(ROOT, CRYPTO, "node.mjs"),
    },
    // A store of matrix-appservice-bridge that is never opened.
    external: ["nedb"],
    plugins: [LODASH],
  });
  for (const [below, source] of READ_BESIDE) {
    const target = join(folder, "lib", below, basename(source));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(ROOT, source), target);
  }
  const assets = Object.entries(ASSETS).map(([name, { source }]) => ({ name, path: join("src/web", source) }));
  for (const { name, path } of assets) {
    const target = join(folder, "lib/web", name);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(ROOT, path), target);
  }
  const inputs = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const all = [...inputs, ...assets.map(({ path }) => path)];
  return [...new Set(all.flatMap((path) => packageOf(path) ?? []))].sort();
}

/** The folder of the package that a file belongs to; undefined for a file of src. */
function packageOf(path: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}
