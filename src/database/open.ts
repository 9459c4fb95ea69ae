import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder } from "../config/make-folder.ts";
import type { Config } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { databaseRefusal, NO_DATABASE, type Database } from "./database.ts";
import { openEmbedded } from "./embedded.ts";
import { embeddedFolder, hasEmbedded, refuseForeignFolder } from "./embedded-folder.ts";
import { migrate, refuseOtherVersion } from "./migrate.ts";
import { openPostgres } from "./postgres.ts";
import { databaseOfBridge } from "./served/client.ts";
import { serveDatabase } from "./served/server.ts";
import { claimDirectory, DatabaseInUse, userOfDirectory, type FolderUser, type UserKind } from "./sole-user.ts";

/** The longest time for which a command waits for a bridge that is starting or stopping, in ms. */
const BRIDGE_PATIENCE_MS = 60_000;

/** The pause between two looks at it, in ms. */
const LOOK_AGAIN_MS = 100;

/** The time of waiting after which a person is told, in ms. */
const QUIET_MS = 2_000;

/** The place of the database. */
export type DatabaseLocation =
  | { readonly kind: "postgres"; readonly url: string }
  /** PGlite in `<dataDir>/database`. */
  | { readonly kind: "embedded"; readonly dataDir: string };

/** The place of a configuration's database. */
export function locationOf(config: Pick<Config, "database" | "dataDir">): DatabaseLocation {
  return config.database === undefined
    ? { kind: "embedded", dataDir: config.dataDir }
    : { kind: "postgres", url: config.database.url };
}

/**
 * Opens the bridge's database: makes it where there is none, updates its schema, and serves an embedded one to commands. Throws
 * DatabaseInUse (the embedded one takes one process), DatabaseError, or the file system's error.
 */
export async function openDatabase(location: DatabaseLocation, log: Logger): Promise<Database> {
  if (location.kind === "postgres") {
    return afterwards(openPostgres(location.url, log), (database) => migrate(database, log));
  }
  const { dataDir } = location;
  const database = await afterwards(await openDirectory(dataDir, "bridge", log), (opened) => migrate(opened, log));
  const served = await serveDatabase(database, dataDir, log);
  return {
    ...database,
    async close() {
      await served.close();
      await database.close();
    },
  };
}

/** The way in which a command uses the database. */
export interface CommandUse {
  /** Whether an embedded database must not be used by a running bridge meanwhile. */
  readonly alone?: boolean;
  /** Called once with the running bridge when it begins to wait for one that is starting or stopping. */
  readonly waits?: (bridge: FolderUser) => void;
}

/**
 * Opens the bridge's database for a command, which neither makes one nor changes its schema: both are the start's. The embedded
 * one of a running bridge is reached through the bridge. Throws as {@link openDatabase}.
 */
export async function openForCommand(
  location: DatabaseLocation,
  log: Logger,
  { alone = false, waits = () => undefined }: CommandUse = {},
): Promise<Database> {
  if (location.kind === "embedded" && alone) await refuseMissing(location.dataDir);
  const database =
    location.kind === "postgres" || alone
      ? await openAsItIs(location, log)
      : await reachEmbedded(location.dataDir, log, waits);
  return afterwards(database, refuseOtherVersion);
}

/**
 * Opens the database with its present schema, or without any, and an embedded one for this process alone. Throws as
 * {@link openDatabase}.
 *
 * @param making called before an embedded database is made; by default that is logged.
 */
export async function openAsItIs(location: DatabaseLocation, log: Logger, making?: () => void): Promise<Database> {
  return location.kind === "postgres"
    ? openPostgres(location.url, log)
    : openDirectory(location.dataDir, "command", log, making);
}

/** Asks the bridge that runs on a folder; opens the folder where none does. */
async function reachEmbedded(dataDir: string, log: Logger, waits: (bridge: FolderUser) => void): Promise<Database> {
  const began = performance.now();
  let isTold = false;
  for (;;) {
    const served = await databaseOfBridge(dataDir);
    if (served !== undefined) return served;
    const waitedMs = performance.now() - began;
    const holder = await userOfDirectory(dataDir);
    if (holder?.kind !== "bridge") {
      await refuseMissing(dataDir);
      try {
        return await openDirectory(dataDir, "command", log);
      } catch (error) {
        // A bridge may have started meanwhile.
        if (!(error instanceof DatabaseInUse) || waitedMs >= BRIDGE_PATIENCE_MS) throw error;
        continue;
      }
    }
    if (waitedMs >= BRIDGE_PATIENCE_MS) {
      throw new DatabaseInUse(
        `another matrix-agents process (bridge, pid ${holder.pid}) has the embedded database in ${dataDir} and takes no commands: it is still starting or stopping, or its log says why; try again later, or stop it`,
      );
    }
    if (!isTold && waitedMs >= QUIET_MS) {
      isTold = true;
      waits(holder);
    }
    await sleep(LOOK_AGAIN_MS);
  }
}

/** Throws DatabaseError where there is no embedded database. */
async function refuseMissing(dataDir: string): Promise<void> {
  if (await hasEmbedded(dataDir)) return;
  throw databaseRefusal(`there is no database in ${dataDir} yet: the first start of the bridge makes it`, {
    code: NO_DATABASE,
  });
}

async function afterwards(database: Database, work: (database: Database) => Promise<void>): Promise<Database> {
  try {
    await work(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openDirectory(
  dataDir: string,
  kind: UserKind,
  log: Logger,
  making = (): void =>
    log.info({ folder: embeddedFolder(dataDir) }, "making the embedded database, which takes a moment"),
): Promise<Database> {
  await refuseForeignFolder(dataDir);
  await makeFolder(dataDir);
  const claim = await claimDirectory(dataDir, kind, ({ pid, kind: by }) => {
    log.info({ pid, by }, "another process is using the database; waiting for it");
  });
  try {
    const database = await openEmbedded(embeddedFolder(dataDir), undefined, making);
    return {
      ...database,
      async close() {
        await database.close();
        await claim.release();
      },
    };
  } catch (error) {
    await claim.release();
    throw error;
  }
}
