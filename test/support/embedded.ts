import { cpSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { temporaryDirectory } from "./temporary.ts";

const TEMPLATE = "TEST_EMBEDDED_TEMPLATE";

/**
 * Makes an embedded database, migrated and empty, as a template: making one takes seconds, copying it almost no time.
 */
export async function makeEmbeddedTemplate(): Promise<void> {
  const directory = await temporaryDirectory("embedded-template");
  const database = await openEmbedded(directory);
  await migrate(database, silentLogger());
  await database.close();
  process.env[TEMPLATE] = directory;
}

/** Puts a migrated and empty embedded database into a new folder, or does nothing when there is no template. */
export async function layEmbedded(directory: string): Promise<void> {
  const template = process.env[TEMPLATE];
  if (template === undefined) return;
  await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
  // A thousand small files: copying them one by one on the thread pool takes eight times as long.
  cpSync(template, directory, { recursive: true });
}
