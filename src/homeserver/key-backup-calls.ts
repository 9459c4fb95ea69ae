import type { JsonObject } from "../matrix/json.ts";
import { asObject, asObjects, stringField } from "./answer.ts";
import type { Actor, CallOptions, HomeserverClient } from "./client.ts";
import { noneIfNotFound } from "./errors.ts";
import { path } from "./path.ts";

/*
 * The server's backup of a user's room keys (spec "Server-side key backups"). All throw HomeserverError, or the abort
 * reason of `options.signal`.
 */

/** A version of the backup. */
export interface BackupVersion {
  readonly version: string;
  readonly algorithm: string;
  readonly authData: JsonObject;
  /** How many keys it holds. */
  readonly count: number;
}

/** The version in use; undefined when there is none. */
export async function backupVersion(
  client: HomeserverClient,
  as: Actor,
  options?: CallOptions,
): Promise<BackupVersion | undefined> {
  const call = "GET room_keys/version";
  const answer = await noneIfNotFound(
    client.request({ ...options, method: "GET", path: "/_matrix/client/v3/room_keys/version", as }),
  );
  if (answer === undefined) return undefined;
  const body = asObject(answer, call);
  return {
    version: stringField(body, "version", call),
    algorithm: stringField(body, "algorithm", call),
    authData: asObject(body["auth_data"], call),
    count: typeof body["count"] === "number" ? body["count"] : 0,
  };
}

/** Begins a new version, which is in use from then on. Returns its name. */
export async function createBackupVersion(
  client: HomeserverClient,
  as: Actor,
  backup: { readonly algorithm: string; readonly authData: object },
  options?: CallOptions,
): Promise<string> {
  const answer = await client.request({
    ...options,
    method: "POST",
    path: "/_matrix/client/v3/room_keys/version",
    body: { algorithm: backup.algorithm, auth_data: backup.authData },
    as,
  });
  return stringField(answer, "version", "POST room_keys/version");
}

/** Adds keys to a version; `body` is the engine's own JSON, and so is the answer. */
export function putBackupKeys(
  client: HomeserverClient,
  as: Actor,
  version: string,
  body: string,
  options?: CallOptions,
): Promise<string> {
  return client.requestText({
    ...options,
    method: "PUT",
    path: "/_matrix/client/v3/room_keys/keys",
    query: { version },
    body,
    as,
  });
}

/** A room key as the backup holds it. */
export interface BackedUpKey {
  readonly roomId: string;
  readonly sessionId: string;
  /** Encrypted, by the version's algorithm. */
  readonly data: JsonObject;
}

/** All keys of a version. */
export async function backupKeys(
  client: HomeserverClient,
  as: Actor,
  version: string,
  options?: CallOptions,
): Promise<readonly BackedUpKey[]> {
  const call = "GET room_keys/keys";
  const answer = await client.request({
    ...options,
    method: "GET",
    path: "/_matrix/client/v3/room_keys/keys",
    query: { version },
    as,
  });
  return Object.entries(asObject(asObject(answer, call)["rooms"], call)).flatMap(([roomId, room]) =>
    Object.entries(asObject(asObject(room, call)["sessions"], call)).map(([sessionId, session]) => ({
      roomId,
      sessionId,
      data: asObject(asObject(session, call)["session_data"], call),
    })),
  );
}

/** Removes a key from a version. One that is gone is fine. */
export async function deleteBackupKey(
  client: HomeserverClient,
  as: Actor,
  key: { readonly version: string; readonly roomId: string; readonly sessionId: string },
  options?: CallOptions,
): Promise<void> {
  await noneIfNotFound(
    client.request({
      ...options,
      method: "DELETE",
      path: path`/_matrix/client/v3/room_keys/keys/${key.roomId}/${key.sessionId}`,
      query: { version: key.version },
      as,
    }),
  );
}

/** A user's device as the homeserver lists it to the user. */
export interface ListedDevice {
  readonly deviceId: string;
  readonly displayName: string | undefined;
  /** Whether it was ever used with an access token of its own. */
  readonly isSeen: boolean;
}

/** The user's devices. */
export async function devices(
  client: HomeserverClient,
  as: Actor,
  options?: CallOptions,
): Promise<readonly ListedDevice[]> {
  const call = "GET devices";
  const answer = await client.request({ ...options, method: "GET", path: path`/_matrix/client/v3/devices`, as });
  return asObjects(asObject(answer, call)["devices"] ?? [], call).map((device) => ({
    deviceId: stringField(device, "device_id", call),
    displayName: typeof device["display_name"] === "string" ? device["display_name"] : undefined,
    // Dendrite says 0 of a device that was never used.
    isSeen: typeof device["last_seen_ts"] === "number" && device["last_seen_ts"] > 0,
  }));
}
