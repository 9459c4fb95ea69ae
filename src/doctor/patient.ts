import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import type { Registration } from "../config/registration.ts";
import { DatabaseError } from "../database/database.ts";
import { openEmbedded } from "../database/embedded.ts";
import { openPostgres } from "../database/postgres.ts";
import { claimDirectory, DatabaseInUse } from "../database/sole-user.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isHomeserverError } from "../homeserver/errors.ts";
import { explainPingFailure, pingAppservice } from "../homeserver/ping.ts";
import { NoHomeserver, surveyHomeserver, type Survey } from "../homeserver/survey.ts";
import { silentLogger } from "../observability/log.ts";
import type { Provider } from "../providers/provider.ts";
import { inPlaceOfBridge } from "../setup/await-ping.ts";
import { askBridge, type BridgeState } from "./endpoint.ts";
import { readRecords, type Records } from "./records.ts";

/** The findings about the homeserver. */
export type HomeserverSight =
  { readonly kind: "there"; readonly survey: Survey } | { readonly kind: "away"; readonly reason: string };

/** The findings from the database. */
export type DatabaseSight =
  | { readonly kind: "read"; readonly records: Records }
  /** There is no database yet; the first start makes it. */
  | { readonly kind: "none" }
  | { readonly kind: "unreadable"; readonly reason: string };

/** The result of a ping through the homeserver. */
export type PingSight =
  | {
      readonly kind: "answered";
      readonly roundTripMs: number;
      readonly homeserverMs: number;
      /** Whether it reached this bridge, or us in its place; undefined where that can't be told. */
      readonly reachedUs: boolean | undefined;
    }
  | { readonly kind: "failed"; readonly reason: string }
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
  const [homeserver, bridge] = await Promise.all([
    lookAtHomeserver(config.homeserver.url),
    askBridge(listenerUrl(config), registration.hsToken),
  ]);
  const [database, ping] = await Promise.all([
    lookAtDatabase(config, bridge),
    homeserver.kind === "away"
      ? ({ kind: "untried", reason: "the homeserver is away" } as const)
      : lookAtPing(config, registration, client, bridge),
  ]);
  return { ...parts, homeserver, bridge, database, ping };
}

async function lookAtHomeserver(url: string): Promise<HomeserverSight> {
  try {
    return { kind: "there", survey: await surveyHomeserver(url) };
  } catch (error) {
    if (error instanceof NoHomeserver) return { kind: "away", reason: error.message };
    throw error;
  }
}

async function lookAtDatabase(config: Config, bridge: BridgeState): Promise<DatabaseSight> {
  if (config.database === undefined && bridge.kind === "running")
    return { kind: "read", records: bridge.answer.records };
  try {
    return config.database === undefined
      ? await readEmbedded(config.dataDir)
      : { kind: "read", records: await readPostgres(config.database.url) };
  } catch (error) {
    if (error instanceof DatabaseInUse) return { kind: "unreadable", reason: error.message };
    if (!(error instanceof DatabaseError)) throw error;
    return { kind: "unreadable", reason: error.message === "" ? (error.code ?? "no reason given") : error.message };
  }
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

async function readEmbedded(dataDir: string): Promise<DatabaseSight> {
  const folder = join(dataDir, "database");
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (!isThere) return { kind: "none" };
  const claim = await claimDirectory(dataDir);
  try {
    const database = await openEmbedded(folder);
    try {
      return { kind: "read", records: await readRecords(database) };
    } finally {
      await database.close();
    }
  } finally {
    await claim.release();
  }
}

async function lookAtPing(
  config: Config,
  registration: Registration,
  client: HomeserverClient,
  bridge: BridgeState,
): Promise<PingSight> {
  const { bind, port } = config.appservice;
  switch (bridge.kind) {
    case "strange":
      return { kind: "untried", reason: bridge.reason };
    case "running":
      return ping(registration, client, async (id) => {
        const after = await askBridge(listenerUrl(config), registration.hsToken);
        return after.kind === "running" ? after.answer.pings.includes(id) : undefined;
      });
    case "stopped":
      return inPlaceOfBridge({ registration, bind, port }, (standIn) =>
        ping(registration, client, (id) =>
          Promise.resolve(standIn.kind === "listening" ? standIn.pings.has(id) : undefined),
        ),
      ).catch((error: unknown) => ({
        kind: "untried" as const,
        reason: `doctor can't listen on ${bind} (${error instanceof Error ? error.message : String(error)})`,
      }));
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
    return { kind: "failed", reason: explainPingFailure(error, { url: registration.url }) };
  }
}

/** The URL at which a process on this machine reaches the listener for the homeserver. */
function listenerUrl({ appservice: { bind, port } }: Config): string {
  if (bind === "0.0.0.0" || bind === "::") return `http://127.0.0.1:${port}`;
  return `http://${bind.includes(":") ? `[${bind}]` : bind}:${port}`;
}
