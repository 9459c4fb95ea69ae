import type { JsonObject } from "../matrix/json.ts";
import { randomInt } from "node:crypto";
import { asObject, asObjects, asStrings, numberField, stringField } from "./answer.ts";
import type { Actor, CallOptions, HomeserverClient } from "./client.ts";
import { AnswerTooLarge, isUnknownToken, MatrixError, noneIfNotFound, UnexpectedAnswer } from "./errors.ts";
import { path } from "./path.ts";
import { NO_ROOM_EVENTS } from "./sync-filter.ts";

/*
 * The calls a ghost makes as its device (MSC4326), or about it. The crypto engine's requests and the answers it
 * gets are its own JSON text. All throw HomeserverError, or the abort reason of `options.signal`; for a
 * missing device `isUnknownDevice` recognises the error.
 */

/** A user together with its device. */
export interface Device extends Actor {
  readonly deviceId: string;
}

/** The answer of one `/sync` to a device. */
export interface DeviceSync {
  readonly nextBatch: string;
  /** In the order of sending. */
  readonly toDevice: readonly JsonObject[];
  readonly changedUsers: readonly string[];
  readonly leftUsers: readonly string[];
  /** One-time keys on the server by algorithm; the server always tells all. */
  readonly keyCounts: Readonly<Record<string, number>>;
  /** Undefined where the server knows no fallback keys. */
  readonly unusedFallbackKeys: readonly string[] | undefined;
}

/**
 * The filter leaves rooms out, because their events come by transaction; a server that filters no rooms (Dendrite) is
 * asked for none of their events. It is never the same twice: Synapse keeps the answer to a sync for two minutes
 * (`sync_response_cache_duration`) and repeats it to the same question. After a restart from an older `since` that
 * answer would be outdated, and newer keys would stay unseen.
 */
function syncFilter(): string {
  return JSON.stringify({
    room: { rooms: [], ...NO_ROOM_EVENTS },
    presence: { types: [] },
    account_data: { types: [], not_types: [String(randomInt(2 ** 47))] },
  });
}

/** Makes the device (MSC4190), or renames an existing one. */
export async function putDevice(
  client: HomeserverClient,
  device: Device,
  displayName: string,
  options?: CallOptions,
): Promise<void> {
  await client.request({
    ...options,
    method: "PUT",
    path: path`/_matrix/client/v3/devices/${device.deviceId}`,
    body: { display_name: displayName },
    as: { userId: device.userId },
  });
}

/**
 * Signs the user in as an application service (spec "Server admin style permissions", `m.login.application_service`),
 * which makes the device where it does not exist. Returns the device's own token; its earlier one ends.
 */
export async function loginDevice(
  client: HomeserverClient,
  { userId, deviceId }: Device,
  displayName: string,
  options?: CallOptions,
): Promise<string> {
  const answer = await client.request({
    ...options,
    method: "POST",
    path: "/_matrix/client/v3/login",
    body: {
      type: "m.login.application_service",
      identifier: { type: "m.id.user", user: userId },
      device_id: deviceId,
      initial_device_display_name: displayName,
    },
  });
  if (asObject(answer, "POST login")["device_id"] !== deviceId) {
    throw new UnexpectedAnswer("POST login", "the homeserver made another device than it was asked for");
  }
  return stringField(answer, "access_token", "POST login");
}

/** Ends a device's own token, and removes the device with its keys. A token that is not valid any more is fine. */
export async function logoutDevice(
  client: HomeserverClient,
  device: Device & { readonly accessToken: string },
  options?: CallOptions,
): Promise<void> {
  try {
    await client.request({ ...options, method: "POST", path: "/_matrix/client/v3/logout", body: {}, as: device });
  } catch (error) {
    if (!isUnknownToken(error)) throw error;
  }
}

/** The device as which the homeserver sees a call; undefined where it sees none. */
export async function deviceSeen(
  client: HomeserverClient,
  device: Device,
  options?: CallOptions,
): Promise<string | undefined> {
  const path = "/_matrix/client/v3/account/whoami";
  const seen = asObject(await client.request({ ...options, method: "GET", path, as: device }), "GET whoami")[
    "device_id"
  ];
  return typeof seen === "string" ? seen : undefined;
}

/** Whether the device exists. */
export async function deviceExists(client: HomeserverClient, device: Device, options?: CallOptions): Promise<boolean> {
  const answer = await noneIfNotFound(
    client.request({
      ...options,
      method: "GET",
      path: path`/_matrix/client/v3/devices/${device.deviceId}`,
      as: { userId: device.userId },
    }),
  );
  return answer !== undefined;
}

/**
 * Removes the device with its keys; a missing device is fine. Where an application service may not do so (MSC4190), it
 * goes by {@link deleteByLogin}.
 */
export async function deleteDevice(client: HomeserverClient, device: Device, options?: CallOptions): Promise<void> {
  try {
    await noneIfNotFound(
      client.request({
        ...options,
        method: "DELETE",
        path: path`/_matrix/client/v3/devices/${device.deviceId}`,
        body: {},
        as: { userId: device.userId },
      }),
    );
  } catch (error) {
    // Conduit fails with 500 where it can't ask for a password.
    const isRefused = error instanceof MatrixError && error.status !== 429 && !isUnknownToken(error);
    if (!isRefused) throw error;
    await deleteByLogin(client, device, options);
  }
}

/** Removes the device by signing in as it, and out; a missing device is fine. */
export async function deleteByLogin(client: HomeserverClient, device: Device, options?: CallOptions): Promise<void> {
  if (!(await deviceExists(client, device, options))) return;
  const accessToken = await loginDevice(client, device, "", options);
  await logoutDevice(client, { ...device, accessToken }, options);
}

/**
 * Ten times the size of a hundred clients' to-device messages, in bytes. Other servers may send messages of any size.
 */
const MAX_SYNC_BYTES = 64 * 1024 * 1024;

/**
 * One `/sync` of the device, answered at once. It acknowledges everything before `since`, which the server then
 * deletes; presence does not change. A too large answer is skipped, because the device would get the same one for ever:
 * its to-device messages are lost, and the changed device lists are fetched separately.
 *
 * @param lost is called when an answer was skipped.
 */
export async function sync(
  client: HomeserverClient,
  device: Device,
  since: string | undefined,
  options?: CallOptions & { readonly lost?: () => void },
): Promise<DeviceSync> {
  const { lost, ...call } = options ?? {};
  const request = {
    ...call,
    method: "GET",
    path: "/_matrix/client/v3/sync",
    query: { since, filter: syncFilter(), set_presence: "offline", timeout: "0" },
    as: device,
    maxBytes: MAX_SYNC_BYTES,
  } as const;
  try {
    return await readSync(await client.request(request), () => keyCountsOf(client, device, call));
  } catch (error) {
    const token =
      error instanceof AnswerTooLarge ? /"next_batch":\s?"([^"\\]{1,1000})"/.exec(error.beginning)?.[1] : undefined;
    if (token === undefined || token === since) throw error;
    lost?.();
    const after = await sync(client, device, token, options);
    // A new device knows no device lists yet.
    if (since === undefined) return after;
    const changes = readChanges(
      await client.request({
        ...call,
        method: "GET",
        path: "/_matrix/client/v3/keys/changes",
        query: { from: since, to: token },
        as: device,
      }),
    );
    return {
      ...after,
      changedUsers: [...new Set([...changes.changed, ...after.changedUsers])],
      leftUsers: [...new Set([...changes.left, ...after.leftUsers])],
    };
  }
}

/** The time for which the homeserver may hold a question for news, in ms, and the most that it may take beyond that. */
const NEWS_MS = 30_000;
const NEWS_LEEWAY_MS = 15_000;

/**
 * Resolves when something has come for the device since a position in `/sync`, at the latest after half a minute. It acknowledges
 * nothing after that position: what has come stays for {@link sync}.
 */
export async function awaitNews(
  client: HomeserverClient,
  device: Device,
  since: string,
  signal: AbortSignal,
): Promise<void> {
  await client.request({
    method: "GET",
    path: "/_matrix/client/v3/sync",
    query: { since, filter: syncFilter(), set_presence: "offline", timeout: String(NEWS_MS) },
    as: device,
    timeoutMs: NEWS_MS + NEWS_LEEWAY_MS,
    maxBytes: MAX_SYNC_BYTES,
    signal,
  });
}

function readChanges(answer: unknown): { readonly changed: readonly string[]; readonly left: readonly string[] } {
  const { changed, left } = (answer ?? {}) as { changed?: unknown; left?: unknown };
  const users = (list: unknown): readonly string[] =>
    Array.isArray(list) ? list.filter((one): one is string => typeof one === "string") : [];
  return { changed: users(changed), left: users(left) };
}

/** `POST /keys/upload`. */
export function keysUpload(
  client: HomeserverClient,
  device: Device,
  body: string,
  options?: CallOptions,
): Promise<string> {
  return post(client, device, "/_matrix/client/v3/keys/upload", body, options);
}

/** `POST /keys/query`. */
export function keysQuery(
  client: HomeserverClient,
  device: Device,
  body: string,
  options?: CallOptions,
): Promise<string> {
  return post(client, device, "/_matrix/client/v3/keys/query", body, options);
}

/** `POST /keys/claim`. */
export function keysClaim(
  client: HomeserverClient,
  device: Device,
  body: string,
  options?: CallOptions,
): Promise<string> {
  return post(client, device, "/_matrix/client/v3/keys/claim", body, options);
}

/** `POST /keys/signatures/upload`. */
export function signaturesUpload(
  client: HomeserverClient,
  device: Device,
  body: string,
  options?: CallOptions,
): Promise<string> {
  return post(client, device, "/_matrix/client/v3/keys/signatures/upload", body, options);
}

/** `POST /keys/device_signing/upload`; an appservice needs no user-interactive authentication for it (MSC4190). */
export function deviceSigningUpload(
  client: HomeserverClient,
  device: Device,
  body: string,
  options?: CallOptions,
): Promise<string> {
  return post(client, device, "/_matrix/client/v3/keys/device_signing/upload", body, options);
}

/** `PUT /sendToDevice`. A repeat carries the same transaction id, so that the server delivers it once. */
export function sendToDevice(
  client: HomeserverClient,
  device: Actor,
  message: { readonly eventType: string; readonly txnId: string; readonly body: string },
  options?: CallOptions,
): Promise<string> {
  return client.requestText({
    ...options,
    method: "PUT",
    path: path`/_matrix/client/v3/sendToDevice/${message.eventType}/${message.txnId}`,
    body: message.body,
    as: device,
  });
}

/** `PUT /rooms/{roomId}/send` with the engine's own text in both directions. */
export function sendRoomMessage(
  client: HomeserverClient,
  device: Device,
  message: { readonly roomId: string; readonly eventType: string; readonly txnId: string; readonly body: string },
  options?: CallOptions,
): Promise<string> {
  return client.requestText({
    ...options,
    method: "PUT",
    path: path`/_matrix/client/v3/rooms/${message.roomId}/send/${message.eventType}/${message.txnId}`,
    body: message.body,
    as: device,
  });
}

function post(
  client: HomeserverClient,
  as: Device,
  endpoint: string,
  body: string,
  options: CallOptions | undefined,
): Promise<string> {
  return client.requestText({ ...options, method: "POST", path: endpoint, body, as });
}

/** The one-time keys on the server, as an upload of no keys returns them. */
async function keyCountsOf(client: HomeserverClient, device: Device, options: CallOptions): Promise<JsonObject> {
  const call = "POST keys/upload";
  const answer: unknown = JSON.parse(await keysUpload(client, device, "{}", options));
  return asObject(asObject(answer, call)["one_time_key_counts"], call);
}

/** @param askCounts asks for the counts of one-time keys: servers without fallback keys leave out a count of zero. */
async function readSync(answer: unknown, askCounts: () => Promise<JsonObject>): Promise<DeviceSync> {
  const call = "GET sync";
  const body = asObject(answer, call);
  const nextBatch = stringField(body, "next_batch", call);
  const toDevice = asObject(body["to_device"] ?? {}, call);
  const lists = asObject(body["device_lists"] ?? {}, call);
  const fallback = body["device_unused_fallback_key_types"];
  // A missing count must not become zero: the engine would make fifty new keys each time.
  const told = body["device_one_time_keys_count"];
  const counts = told === undefined && fallback === undefined ? await askCounts() : asObject(told, call);
  return {
    nextBatch,
    toDevice: asObjects(toDevice["events"] ?? [], call),
    changedUsers: asStrings(lists["changed"] ?? [], call),
    leftUsers: asStrings(lists["left"] ?? [], call),
    keyCounts: Object.fromEntries(Object.keys(counts).map((name) => [name, numberField(counts, name, call)])),
    unusedFallbackKeys: fallback === undefined ? undefined : asStrings(fallback, call),
  };
}
