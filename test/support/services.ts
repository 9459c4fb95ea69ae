import { ensureSynapse } from "../../quickstart/synapse.ts";
import { ensureTinyModel } from "../../quickstart/tiny-model.ts";
import { ensureVenv } from "../../quickstart/venv.ts";
import { MODEL_VENV, NIO_PACKAGES, NIO_VENV, OTHER_SYNAPSE_VERSION, SYNAPSE_VENV } from "./paths.ts";
import { startPostgres } from "./postgres.ts";

const POSTGRES_URL = "TEST_POSTGRES_ADMIN_URL";

/** The PostgreSQL that all test files of a run share, each with databases of its own. */
export function sharedPostgresUrl(): string {
  const url = process.env[POSTGRES_URL];
  if (url === undefined) {
    throw new Error("no PostgreSQL: run test files by test/run.ts, as in: node test/run.ts integration -- support");
  }
  return url;
}

/** What is started once for all test files. */
export interface Services {
  stop(): Promise<void>;
}

/**
 * Installs Synapse and matrix-nio when they are missing, and a model with its server where that is wanted, starts PostgreSQL,
 * and tells test files by the environment.
 */
export async function startServices(
  progress: (line: string) => void,
  { model = false }: { readonly model?: boolean } = {},
): Promise<Services> {
  await ensureSynapse(SYNAPSE_VENV, progress, OTHER_SYNAPSE_VERSION);
  await ensureVenv({ directory: NIO_VENV, packages: NIO_PACKAGES, progress });
  if (model) await ensureTinyModel(MODEL_VENV, progress);
  // Nothing kills this one, so that nothing has to wait for the disk.
  const postgres = await startPostgres({ fsync: false });
  process.env[POSTGRES_URL] = postgres.adminUrl;
  return postgres;
}
