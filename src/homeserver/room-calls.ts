import type { JsonObject } from "../matrix/json.ts";
import { asObject, asObjects, asStrings, stringField } from "./answer.ts";
import type { Actor, CallOptions, HomeserverClient } from "./client.ts";
import { MatrixError, UnexpectedAnswer } from "./errors.ts";
import { path } from "./path.ts";

/*
 * The calls a user makes in rooms. All throw HomeserverError, or the abort reason of `options.signal`.
 */

/** A state event as the homeserver lists it. */
export interface StateEvent {
  readonly type: string;
  readonly state_key: string;
  readonly sender: string;
  readonly content: JsonObject;
  readonly event_id?: string;
}

/** The rooms the user is in. */
export async function joinedRooms(
  client: HomeserverClient,
  as: Actor,
  options?: CallOptions,
): Promise<readonly string[]> {
  const call = "GET joined_rooms";
  const answer = await client.request({ ...options, method: "GET", path: "/_matrix/client/v3/joined_rooms", as });
  return asStrings(asObject(answer, call)["joined_rooms"], call);
}

/** Makes an encrypted direct chat with another user, who is invited and may do there whatever its maker may. Returns its id. */
export async function makeDirectChat(
  client: HomeserverClient,
  as: Actor,
  person: string,
  options?: CallOptions,
): Promise<string> {
  const answer = await client.request({
    ...options,
    method: "POST",
    path: "/_matrix/client/v3/createRoom",
    body: {
      preset: "trusted_private_chat",
      is_direct: true,
      invite: [person],
      initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
    },
    as,
  });
  return stringField(answer, "room_id", "POST createRoom");
}

/**
 * Joins a room to which the user is invited, or that is open to all. Joining again does nothing.
 *
 * @param options.via a server in the room, in case our own is not in it.
 */
export async function joinRoom(
  client: HomeserverClient,
  as: Actor,
  roomId: string,
  options?: CallOptions & { readonly via?: string | undefined },
): Promise<void> {
  const { via, ...callOptions } = options ?? {};
  await client.request({
    ...callOptions,
    method: "POST",
    path: path`/_matrix/client/v3/join/${roomId}`,
    // Servers before v1.12 know only `server_name`.
    query: { via, server_name: via },
    body: {},
    as,
  });
}

/** Leaves a room, or declines an invite to it. */
export async function leaveRoom(
  client: HomeserverClient,
  as: Actor,
  roomId: string,
  reason?: string,
  options?: CallOptions,
): Promise<void> {
  await client.request({
    ...options,
    method: "POST",
    path: path`/_matrix/client/v3/rooms/${roomId}/leave`,
    body: reason === undefined ? {} : { reason },
    as,
  });
}

/**
 * The current state of a room. A single malformed entry fails the whole call, because half a state can't be trusted.
 *
 * @param options.types the wanted types of events; by default all.
 */
export async function roomState(
  client: HomeserverClient,
  as: Actor,
  roomId: string,
  options?: CallOptions & { readonly types?: ReadonlySet<string> | undefined },
): Promise<readonly StateEvent[]> {
  const { types, ...callOptions } = options ?? {};
  const call = "GET state";
  const isWanted = ({ type }: StateEvent): boolean => types === undefined || types.has(type);
  const answer = await client.request({
    ...callOptions,
    method: "GET",
    path: path`/_matrix/client/v3/rooms/${roomId}/state`,
    entries: (entry) => isWanted(asStateEvent(asObject(entry, call), call)),
    as,
  });
  return asStateEvents(answer, call).filter(isWanted);
}

/** The type with which a room was made (spec "m.room.create"); undefined for an ordinary room. */
export async function roomType(
  client: HomeserverClient,
  as: Actor,
  roomId: string,
  options?: CallOptions,
): Promise<string | undefined> {
  const answer = await client.request({
    ...options,
    method: "GET",
    path: path`/_matrix/client/v3/rooms/${roomId}/state/m.room.create`,
    as,
  });
  const type = asObject(answer, "GET m.room.create")["type"];
  return typeof type === "string" ? type : undefined;
}

/**
 * The number of joined members of a room, which an invited user may ask for (spec "Room summary"); undefined when the
 * homeserver does not say.
 *
 * @param via a server in the room, in case our own is not in it.
 */
export async function joinedMembers(
  client: HomeserverClient,
  as: Actor,
  roomId: string,
  via: string,
  options?: CallOptions,
): Promise<number | undefined> {
  try {
    const answer = await client.request({
      ...options,
      method: "GET",
      path: path`/_matrix/client/v1/room_summary/${roomId}`,
      query: { via },
      as,
    });
    const count = asObject(answer, "GET room_summary")["num_joined_members"];
    return typeof count === "number" ? count : undefined;
  } catch (error) {
    if (error instanceof MatrixError && !error.retryable) return undefined;
    throw error;
  }
}

/** The members of a room, including those who left or are banned, unless `notMembership` says otherwise. */
export async function members(
  client: HomeserverClient,
  as: Actor,
  roomId: string,
  options?: CallOptions & { readonly notMembership?: "leave" | "ban" },
): Promise<readonly StateEvent[]> {
  const { notMembership, ...callOptions } = options ?? {};
  const call = "GET members";
  const answer = await client.request({
    ...callOptions,
    method: "GET",
    path: path`/_matrix/client/v3/rooms/${roomId}/members`,
    query: { not_membership: notMembership },
    as,
  });
  return asStateEvents(asObject(answer, call)["chunk"], call);
}

/**
 * Sends an event and returns its id. The homeserver recognises a repeat under the same `txnId` by the same user and
 * device. The id must contain the ghost, because Synapse's first cache does not tell users apart.
 *
 * @param content An object, or its JSON as it was stored before the first attempt.
 */
export async function sendEvent(
  client: HomeserverClient,
  as: Actor,
  event: { readonly roomId: string; readonly type: string; readonly txnId: string; readonly content: object | string },
  options?: CallOptions,
): Promise<string> {
  const answer = await client.request({
    ...options,
    method: "PUT",
    path: path`/_matrix/client/v3/rooms/${event.roomId}/send/${event.type}/${event.txnId}`,
    body: event.content,
    as,
  });
  return stringField(answer, "event_id", "PUT send");
}

/** Redacts an event. A repeat under the same `txnId` has no further effect. */
export async function redactEvent(
  client: HomeserverClient,
  as: Actor,
  redaction: { readonly roomId: string; readonly eventId: string; readonly txnId: string; readonly reason?: string },
  options?: CallOptions,
): Promise<void> {
  await client.request({
    ...options,
    method: "PUT",
    path: path`/_matrix/client/v3/rooms/${redaction.roomId}/redact/${redaction.eventId}/${redaction.txnId}`,
    body: redaction.reason === undefined ? {} : { reason: redaction.reason },
    as,
  });
}

/** Sends a state event and returns its id. */
export async function sendState(
  client: HomeserverClient,
  as: Actor,
  event: { readonly roomId: string; readonly type: string; readonly stateKey: string; readonly content: object },
  options?: CallOptions,
): Promise<string> {
  const answer = await client.request({
    ...options,
    method: "PUT",
    path: path`/_matrix/client/v3/rooms/${event.roomId}/state/${event.type}/${event.stateKey}`,
    body: event.content,
    as,
  });
  return stringField(answer, "event_id", "PUT state");
}

/**
 * Shows or ends the typing notice.
 *
 * @param typingMs For how long it shows, milliseconds; 0 ends it.
 */
export async function typing(
  client: HomeserverClient,
  as: Actor,
  roomId: string,
  typingMs: number,
  options?: CallOptions,
): Promise<void> {
  await client.request({
    ...options,
    method: "PUT",
    path: path`/_matrix/client/v3/rooms/${roomId}/typing/${as.userId}`,
    body: typingMs > 0 ? { typing: true, timeout: typingMs } : { typing: false },
    as,
  });
}

/**
 * Marks an event as read.
 *
 * @param threadId Root of the thread, `main`, or absent for a receipt that knows no threads.
 */
export async function readReceipt(
  client: HomeserverClient,
  as: Actor,
  receipt: { readonly roomId: string; readonly eventId: string; readonly threadId?: string },
  options?: CallOptions,
): Promise<void> {
  await client.request({
    ...options,
    method: "POST",
    path: path`/_matrix/client/v3/rooms/${receipt.roomId}/receipt/m.read/${receipt.eventId}`,
    body: receipt.threadId === undefined ? {} : { thread_id: receipt.threadId },
    as,
  });
}

function asStateEvents(answer: unknown, call: string): readonly StateEvent[] {
  return asObjects(answer, call).map((event) => asStateEvent(event, call));
}

function asStateEvent(event: JsonObject, call: string): StateEvent {
  const { type, state_key, sender, event_id } = event;
  if (typeof type !== "string" || typeof state_key !== "string" || typeof sender !== "string") {
    throw new UnexpectedAnswer(call, "the answer lists something that is no state event");
  }
  const content = asObject(event["content"], call);
  return { type, state_key, sender, content, ...(typeof event_id === "string" ? { event_id } : {}) };
}
