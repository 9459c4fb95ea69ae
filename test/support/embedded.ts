import { cp, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { openEmbedded } from "../../src/database/embedded.ts";
import { temporaryDirectory } from "./temporary.ts";

const TEMPLATE = "TEST_EMBEDDED_TEMPLATE";

/** Makes an empty embedded database for others to start from: making one takes seconds, copying it hardly any time. */
export async function makeEmbeddedTemplate(): Promise<void> {
  const directory = await temporaryDirectory("embedded-template");
  const database = await openEmbedded(directory);
  await database.close();
  process.env[TEMPLATE] = directory;
}

/** Puts an empty embedded database into a folder that does not exist yet, or leaves it to be made when there is no template. */
export async function layEmbedded(directory: string): Promise<void> {
  const template = process.env[TEMPLATE];
  if (template === undefined) return;
  await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
  await cp(template, directory, { recursive: true });
}
