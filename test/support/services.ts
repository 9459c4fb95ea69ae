import { ensureSynapse } from "../../quickstart/synapse.ts";
import { ensureTinyModel } from "../../quickstart/tiny-model.ts";
import { ensureVenv } from "../../quickstart/venv.ts";
import { MODEL_VENV, NIO_PACKAGES, NIO_VENV, OTHER_SYNAPSE_VERSION, SYNAPSE_VENV } from "./paths.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { startPostgres, type Postgres } from "./postgres.ts";

const POSTGRES_URL = "TEST_POSTGRES_ADMIN_URL";
const POSTGRES_TEMPLATE = "TEST_POSTGRES_TEMPLATE";

/** The PostgreSQL that all test files of a run share, each with databases of its own. */
export function sharedPostgresUrl(): string {
  const url = process.env[POSTGRES_URL];
  if (url === undefined) {
    throw new Error("no PostgreSQL: run test files by test/run.ts, as in: node test/run.ts integration -- leases");
  }
  return url;
}

/** A migrated and empty database on {@link sharedPostgresUrl}: copying it costs a tenth of migrating another one. */
export function migratedTemplate(): string {
  const name = process.env[POSTGRES_TEMPLATE];
  if (name === undefined) throw new Error("no migrated database: run test files by test/run.ts");
  return name;
}

/** The services that are started once for all test files. */
export interface Services {
  stop(): Promise<void>;
}

/**
 * Installs Synapse and matrix-nio when they are missing, and a model with its server where that is needed, starts
 * PostgreSQL, and passes the addresses to test files in the environment.
 */
export async function startServices(
  progress: (line: string) => void,
  { model = false }: { readonly model?: boolean } = {},
): Promise<Services> {
  await ensureSynapse(SYNAPSE_VENV, progress, OTHER_SYNAPSE_VERSION);
  await ensureVenv({ directory: NIO_VENV, packages: NIO_PACKAGES, progress });
  if (model) await ensureTinyModel(MODEL_VENV, progress);
  // Nothing kills this server, so nothing has to wait for the disk.
  const postgres = await startPostgres({ fsync: false });
  try {
    process.env[POSTGRES_TEMPLATE] = await makeTemplate(postgres);
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  process.env[POSTGRES_URL] = postgres.adminUrl;
  return postgres;
}

/** Resolves with the name of a database to which nobody is connected: it can't be copied while somebody is. */
async function makeTemplate(postgres: Postgres): Promise<string> {
  const url = await postgres.createDatabase();
  const database = openPostgres(url, silentLogger());
  try {
    await migrate(database, silentLogger());
  } finally {
    await database.close();
  }
  return new URL(url).pathname.slice(1);
}
