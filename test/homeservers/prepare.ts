import { basename } from "node:path";
import { ensureSynapse } from "../../quickstart/synapse.ts";
import { OLDEST_SYNAPSE } from "../../src/homeserver/survey.ts";
import { ensureDendrite } from "../support/dendrite.ts";
import { OLDEST_SYNAPSE_VENV } from "../support/paths.ts";
import { ensureWorkers } from "../support/synapse-workers.ts";

/** Installs and builds the homeservers of these test files; quick when they are there. */
export async function prepareHomeservers(files: readonly string[], progress: (line: string) => void): Promise<void> {
  const names = new Set(files.map((file) => basename(file)));
  if (names.has("synapse.test.ts")) await ensureSynapse(OLDEST_SYNAPSE_VENV, progress, OLDEST_SYNAPSE);
  if (names.has("workers.test.ts")) await ensureWorkers(progress);
  if (names.has("dendrite.test.ts")) await ensureDendrite(progress);
}
