import { isObject, type JsonObject } from "../matrix/json.ts";
import { parseContent } from "../matrix/received-content.ts";
import { relationOf } from "../matrix/relation.ts";
import { roomEvent } from "../homeserver/room-history.ts";
import { parseTransaction, type RoomEvent } from "../homeserver/transaction.ts";
import { mayTalkIn } from "../permissions/encryption-mode.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { ReadEvent } from "./ghost-handle.ts";
import { isReplay } from "./replays.ts";

/** The parts that reading needs. */
export type ReaderServices = Pick<
  GhostServices,
  "client" | "database" | "rooms" | "trustIn" | "mode" | "permissions" | "isGhost"
>;

/** The time limit for one event, in ms. */
const TIMEOUT_MS = 15_000;

/**
 * Reads an event of a room as a ghost may see it, in its newest form. Undefined where it does not exist, was deleted,
 * can't be decrypted, or would be refused if it came now: not trusted, unencrypted in an encrypted room, or by a user
 * who may not use this agent. Throws HomeserverError, DatabaseError, or the signal's reason.
 */
export async function readEvent(
  services: ReaderServices,
  loaded: LoadedGhost,
  { roomId, eventId }: { readonly roomId: string; readonly eventId: string },
  signal?: AbortSignal,
): Promise<ReadEvent | undefined> {
  const ghost = loaded.lease.ghost;
  const options = { timeoutMs: TIMEOUT_MS, retry: "transient", retryForMs: TIMEOUT_MS, signal } as const;
  const event = await roomEvent(services.client, { userId: ghost }, roomId, eventId, options);
  if (event === undefined || event.state_key !== undefined || !mayBeRead(services, ghost, event)) return undefined;
  const first = await inClear(services, loaded, event);
  if (first === undefined) return undefined;
  const edit = replacementOf(event);
  const edited = edit === undefined ? undefined : await inClear(services, loaded, edit);
  const { sender, origin_server_ts: sentAt } = event;
  const encrypted = first.encrypted || edited?.encrypted === true;
  const newest = newContent(edited?.content) ?? newContent(first.content) ?? first.content;
  const content = { ...newest, "m.relates_to": first.content["m.relates_to"] };
  return { eventId, sender, sentAt, content: parseContent(first.type, content), encrypted };
}

/** Agents' own messages may always be read. */
function mayBeRead(
  { permissions, isGhost }: ReaderServices,
  ghost: string,
  { sender, room_id: roomId }: RoomEvent,
): boolean {
  return isGhost(sender) || permissions.decide({ act: "overheard", userId: sender, ghost, roomId }).allowed;
}

/** The newest edit by the event's sender, as the homeserver delivers it with the event. */
function replacementOf({ event_id: target, sender, room_id: roomId, unsigned }: RoomEvent): RoomEvent | undefined {
  const relations = unsigned?.["m.relations"] as Readonly<Record<string, unknown>> | null | undefined;
  const [edit] = parseTransaction("an edit", { events: [relations?.["m.replace"]] }).events;
  if (edit?.sender !== sender || edit.room_id !== roomId) return undefined;
  const relation = relationOf(edit.content);
  return relation?.type === "m.replace" && relation.target === target ? edit : undefined;
}

/** An event in readable form. */
interface ClearEvent {
  readonly type: string;
  readonly content: JsonObject;
  /** Whether it came encrypted. */
  readonly encrypted: boolean;
}

async function inClear(
  { database, rooms, trustIn, mode }: ReaderServices,
  { device, lease: { ghost } }: LoadedGhost,
  event: RoomEvent,
): Promise<ClearEvent | undefined> {
  const { read } = trustIn(ghost, event.room_id);
  if (event.type !== "m.room.encrypted") {
    const isEncrypted = await rooms.isEncrypted(event.room_id);
    const isTrusted = !isEncrypted || read === "unverified";
    return isTrusted && mayTalkIn(mode, isEncrypted) ? { ...event, encrypted: false } : undefined;
  }
  if (device === undefined || !mayTalkIn(mode, true) || (await isReplay(database, ghost, event))) return undefined;
  const decryption = await device.decrypt(event, read);
  if (decryption.kind !== "decrypted") return undefined;
  const relation = event.content["m.relates_to"];
  const content = { ...decryption.content, ...(relation === undefined ? {} : { "m.relates_to": relation }) };
  return { type: decryption.type, content, encrypted: true };
}

function newContent(content: JsonObject | undefined): JsonObject | undefined {
  if (content === undefined || relationOf(content)?.type !== "m.replace") return undefined;
  const said = content["m.new_content"];
  return isObject(said) ? said : undefined;
}
