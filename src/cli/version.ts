import { readFile } from "node:fs/promises";

/** Prints the version of the package. */
export async function version(): Promise<number> {
  const manifest: unknown = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  process.stdout.write(`${String((manifest as { version: unknown }).version)}\n`);
  return 0;
}
