import { randomUUID } from "node:crypto";
import type { Config } from "../config/config.ts";
import type { Registration } from "../config/registration.ts";
import { DatabaseError, type Database } from "../database/database.ts";
import { reasonOfDatabaseError } from "../database/database-fault.ts";
import { NotCopied, readCopy } from "../database/embedded-copy.ts";
import { remedyOfDamage } from "../database/embedded-damage.ts";
import { embeddedFolder, hasEmbedded, refuseForeignFolder, strayFile } from "../database/embedded-folder.ts";
import { openPostgres } from "../database/postgres.ts";
import { databaseOfBridge } from "../database/served/client.ts";
import { userOfDirectory } from "../database/sole-user.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isHomeserverError, MatrixError } from "../homeserver/errors.ts";
import { explainPingFailure, pingAppservice } from "../homeserver/ping.ts";
import type { RecentPings } from "../homeserver/recent-pings.ts";
import { NoHomeserver, type NoAnswer } from "../homeserver/no-answer.ts";
import { surveyHomeserver, type Survey } from "../homeserver/survey.ts";
import { faultOf, isFileSystemError } from "../observability/file-fault.ts";
import { silentLogger } from "../observability/log.ts";
import { currentUser, type SystemUser } from "../observability/user-name.ts";
import type { Provider } from "../providers/provider.ts";
import { askBridge, type BridgeState } from "./endpoint.ts";
import { localUrl } from "../homeserver/local-url.ts";
import { bridgeUser } from "./owner.ts";
import { readRecords, type Records } from "./records.ts";

/** The findings about the homeserver. */
export type HomeserverSight =
  { readonly kind: "there"; readonly survey: Survey } | ({ readonly kind: "away" } & NoAnswer);

/** The findings from the database. */
export type DatabaseSight =
  | { readonly kind: "read"; readonly records: Records }
  /** There is no database yet; the first start makes it. */
  | { readonly kind: "none" }
  /** It can't be read now, which is no fault. */
  | { readonly kind: "unread"; readonly reason: string }
  | { readonly kind: "unreadable"; readonly reason: string; readonly mend: string };

/** The result of a ping through the homeserver. */
export type PingSight =
  | {
      readonly kind: "answered";
      readonly roundTripMs: number;
      readonly homeserverMs: number;
      /** Whether it reached this bridge; undefined where that can't be told. */
      readonly reachedUs: boolean | undefined;
    }
  /** `code` is the homeserver's; undefined where it gave none. */
  | { readonly kind: "failed"; readonly code: string | undefined; readonly reason: string }
  /** No ping was sent. */
  | { readonly kind: "untried"; readonly reason: string };

/**
 * The facts that the checks look at. Facts that need no judgement are collected here; a check asks for the rest itself.
 */
export interface Patient {
  readonly config: Config;
  readonly registration: Registration;
  readonly client: HomeserverClient;
  readonly providers: ReadonlyMap<string, Provider>;
  /** The user that runs the bridge; undefined on systems without users. */
  readonly user: SystemUser | undefined;
  readonly homeserver: HomeserverSight;
  readonly bridge: BridgeState;
  readonly database: DatabaseSight;
  readonly ping: PingSight;
}

/** The time limit of a check's call to the homeserver, in ms. */
export const CALL_LIMIT_MS = 15_000;

/** Collects the facts once. Changes nothing. Rejects only for a fault of ours. */
export async function examine(
  parts: Pick<Patient, "config" | "registration" | "client" | "providers">,
): Promise<Patient> {
  const { config, registration, client } = parts;
  const [homeserver, bridge, user] = await Promise.all([
    lookAtHomeserver(config.homeserver),
    lookAtBridge(config, registration),
    bridgeUser(config),
  ]);
  const [database, ping] = await Promise.all([
    lookAtDatabase(config, bridge),
    homeserver.kind === "away"
      ? ({ kind: "untried", reason: "the homeserver is away" } as const)
      : lookAtPing(config, registration, client, bridge),
  ]);
  return { ...parts, user, homeserver, bridge, database, ping };
}

/** What a running bridge knows of itself. */
export interface Self {
  readonly pings: RecentPings;
  readonly database: Database;
}

/** Collects the facts from within the running bridge: it asks neither its own address nor its own socket. */
export async function examineSelf(
  parts: Pick<Patient, "config" | "registration" | "client" | "providers">,
  { pings, database }: Self,
): Promise<Patient> {
  const { config, registration, client } = parts;
  const [homeserver, user, records] = await Promise.all([
    lookAtHomeserver(config.homeserver),
    bridgeUser(config),
    readRecords(database),
  ]);
  const answered: PingSight =
    homeserver.kind === "away"
      ? { kind: "untried", reason: "the homeserver is away" }
      : await ping(registration, client, (id) => Promise.resolve(pings.has(id)));
  const bridge = { kind: "running", answer: { pings: pings.list() } } as const;
  return { ...parts, user, homeserver, bridge, database: { kind: "read", records }, ping: answered };
}

async function lookAtBridge(config: Config, registration: Registration): Promise<BridgeState> {
  const bridge = await askBridge(localUrl(config.appservice), registration.hsToken);
  if (bridge.kind !== "stopped" || config.database !== undefined) return bridge;
  const holder = await userOfDirectory(config.dataDir);
  return holder?.kind === "bridge" ? { kind: "starting", pid: holder.pid } : bridge;
}

async function lookAtHomeserver({ url, ca }: Config["homeserver"]): Promise<HomeserverSight> {
  try {
    return { kind: "there", survey: await surveyHomeserver(url, ca) };
  } catch (error) {
    if (error instanceof NoHomeserver) return { kind: "away", ...error.why };
    throw error;
  }
}

async function lookAtDatabase(config: Config, bridge: BridgeState): Promise<DatabaseSight> {
  try {
    return config.database === undefined
      ? await readEmbedded(config.dataDir, bridge)
      : { kind: "read", records: await readPostgres(config.database.url) };
  } catch (error) {
    if (error instanceof NotCopied) {
      const reason = `the database of a stopped bridge is read from a copy, which can't be made here (${error.message}); start the bridge, or name another folder by TMPDIR`;
      return { kind: "unread", reason };
    }
    if (isFileSystemError(error)) {
      const { reason, mend = "correct data_dir" } = faultOf(error, error.path);
      return { kind: "unreadable", reason: `${error.path}: ${reason}`, mend };
    }
    if (!(error instanceof DatabaseError)) throw error;
    return { kind: "unreadable", reason: reasonOfDatabaseError(error) ?? error.message, mend: remedyOf(error, config) };
  }
}

/** A bridge that ended while it was asked leaves its files whole. */
function remedyOf(error: DatabaseError, { database, dataDir }: Config): string {
  if (error.mend !== undefined) return error.mend;
  if (database !== undefined) return "start it, or correct database.url";
  const isOver = error.retryable && error.code?.startsWith("58") !== true;
  return isOver ? "ask again in a moment" : remedyOfDamage(embeddedFolder(dataDir));
}

/** This migrates nothing: only the start of the new version does that. */
async function readPostgres(url: string): Promise<Records> {
  const database = openPostgres(url, silentLogger());
  try {
    return await readRecords(database);
  } finally {
    await database.close();
  }
}

/** The folder itself is never opened: that would write into it. */
async function readEmbedded(dataDir: string, bridge: BridgeState): Promise<DatabaseSight> {
  const served = await databaseOfBridge(dataDir);
  if (served !== undefined) return { kind: "read", records: await readRecords(served) };
  if (!(await hasEmbedded(dataDir))) return { kind: "none" };
  const busy = async (): Promise<DatabaseSight | undefined> => {
    const holder = await userOfDirectory(dataDir);
    if (holder === undefined) return undefined;
    if (holder.kind === "bridge" && bridge.kind === "running") {
      return { kind: "unread", reason: "the running bridge takes no commands; its log says why" };
    }
    const what = holder.kind === "bridge" ? "the bridge is starting" : "a command is using the database";
    return { kind: "unread", reason: `${what} (pid ${holder.pid}); ask again in a moment` };
  };
  const inUse = await busy();
  if (inUse !== undefined) return inUse;
  if (currentUser()?.uid !== 0) await refuseForeignFolder(dataDir);
  const stray = await strayFile(dataDir);
  if (stray !== undefined) {
    const reason = `${stray.path} belongs to another user than the folder, so the bridge can't open it`;
    return { kind: "unreadable", reason, mend: stray.mend };
  }
  try {
    return { kind: "read", records: await readCopy(dataDir, readRecords) };
  } catch (error) {
    // A copy of files that somebody has begun to change proves nothing.
    const meanwhile = await busy();
    if (meanwhile !== undefined) return meanwhile;
    throw error;
  }
}

async function lookAtPing(
  config: Config,
  registration: Registration,
  client: HomeserverClient,
  bridge: BridgeState,
): Promise<PingSight> {
  switch (bridge.kind) {
    case "strange":
      return { kind: "untried", reason: bridge.reason };
    case "starting":
      return { kind: "untried", reason: "the bridge is starting" };
    case "running":
      return ping(registration, client, async (id) => {
        const after = await askBridge(localUrl(config.appservice), registration.hsToken);
        return after.kind === "running" ? after.answer.pings.includes(id) : undefined;
      });
    case "stopped": {
      // Nobody listens in the bridge's place: a start at this moment needs the port.
      const sight = await ping(registration, client, () => Promise.resolve(false));
      return sight.kind === "failed" && sight.code === "M_CONNECTION_FAILED"
        ? { kind: "untried", reason: "the bridge does not run, so no ping can reach it" }
        : sight;
    }
  }
}

async function ping(
  registration: Registration,
  client: HomeserverClient,
  hasSeen: (id: string) => Promise<boolean | undefined>,
): Promise<PingSight> {
  const id = `doctor-${randomUUID()}`;
  const started = performance.now();
  try {
    const homeserverMs = await pingAppservice(client, registration.id, id, { timeoutMs: CALL_LIMIT_MS });
    const roundTripMs = Math.round(performance.now() - started);
    return { kind: "answered", roundTripMs, homeserverMs, reachedUs: await hasSeen(id) };
  } catch (error) {
    if (!isHomeserverError(error)) throw error;
    const code = error instanceof MatrixError ? error.errcode : undefined;
    return { kind: "failed", code, reason: explainPingFailure(error, registration) };
  }
}
