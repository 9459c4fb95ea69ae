import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";
import { inCheckout } from "./paths.ts";
import { temporaryDirectory } from "./temporary.ts";

/** A copy of a file of docker/ with a change. */
export async function changed(file: string, from: string | RegExp, to: string): Promise<string> {
  const copy = join(await temporaryDirectory("lint"), file.split("/").at(-1) ?? "");
  const text = await readFile(inCheckout(file), "utf8");
  assert.match(text, typeof from === "string" ? new RegExp(RegExp.escape(from)) : from);
  await writeFile(copy, text.replace(from, to));
  return copy;
}

/** docker/nginx/matrix-agents.conf in a place where nginx would include it, with existing certificates. */
export async function exampleSite(change: (text: string) => string = (text) => text): Promise<string> {
  const folder = await temporaryDirectory("nginx");
  const { private: key, cert } = await generate([{ name: "commonName", value: "example.org" }]);
  for (const name of ["agents", "matrix", "element"]) {
    await writeFile(join(folder, `${name}.example.org.pem`), cert);
    await writeFile(join(folder, `${name}.example.org.key`), key);
  }
  const site = await readFile(inCheckout("docker/nginx/matrix-agents.conf"), "utf8");
  const file = join(folder, "nginx.conf");
  const inside = change(site).replaceAll("/etc/ssl/matrix-agents", folder);
  await writeFile(file, `pid ${folder}/pid;\nevents {}\nhttp {\n${inside}\n}\n`);
  return file;
}
