import { isStorable } from "../database/text.ts";
import { isObject, type JsonObject } from "../matrix/json.ts";

/** A room event of a transaction (spec "Client event format"). Its shape is checked, its content is not. */
export interface RoomEvent {
  readonly event_id: string;
  readonly room_id: string;
  readonly sender: string;
  readonly type: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** On redactions in rooms before version 11; later ones have it in `content`. */
  readonly redacts?: string;
  /** Present, and possibly empty, on state events only. */
  readonly state_key?: string;
  /** Milliseconds since 1970 by the sending server's clock; our time of arrival when it sent none. */
  readonly origin_server_ts: number;
  readonly unsigned?: Readonly<Record<string, unknown>>;
}

/** A transaction as the rest of the bridge knows it. Any body from the homeserver can be turned into one. */
export interface Transaction {
  /** Proves nothing: Synapse on SQLite starts its ids again at 1. */
  readonly txnId: string;
  readonly events: readonly RoomEvent[];
  /** The malformed parts, to be stored separately. */
  readonly malformed: readonly MalformedPart[];
  /** Devices that something was pushed for; the thing itself comes by their `/sync`. */
  readonly wakeUps: readonly WakeUp[];
  /** Users whose devices changed or who left; every ghost that shares a room with them has to know. */
  readonly changedUsers: readonly string[];
}

/** A malformed part of a transaction. */
export interface MalformedPart {
  readonly reason: string;
  /**
   * The part as it came, safe to write as JSON; null where it can't or must not be kept (a message with keys, endless
   * nesting).
   */
  readonly raw: unknown;
}

/** Something waits on the homeserver for a ghost's device. Users that are no ghosts of ours are named, too. */
export interface WakeUp {
  readonly userId: string;
  /** Absent: any of the user's devices. */
  readonly deviceId?: string;
}

/** The deepest nesting of JSON that is kept: a recursive function (such as JSON.stringify) may overflow the stack. */
const MAX_DEPTH = 100;

/**
 * Reads the body of `PUT /_matrix/app/v1/transactions/{txnId}` (application-service API; MSC2409, MSC3202 and MSC4203
 * under their stable and unstable names). Never throws: malformed parts are listed, and the rest is kept.
 *
 * @param now time of arrival, milliseconds since 1970.
 */
export function parseTransaction(txnId: string, body: unknown, now: number = Date.now()): Transaction {
  const events: RoomEvent[] = [];
  const malformed: MalformedPart[] = [];
  if (!isObject(body)) {
    malformed.push({ reason: "the transaction is not an object", raw: keepable(body) });
    return { txnId, events, malformed, wakeUps: [], changedUsers: [] };
  }
  for (const candidate of listOf(body, ["events"], malformed)) {
    const event = parseEvent(candidate, now);
    if (typeof event === "string") malformed.push({ reason: `event: ${event}`, raw: keepable(candidate) });
    else events.push(event);
  }
  const wakeUps = uniqueWakeUps([...toDeviceWakeUps(body, malformed), ...keyWakeUps(body)]);
  return { txnId, events, malformed, wakeUps, changedUsers: changedUsers(body) };
}

/** The event, or its fault. */
function parseEvent(candidate: unknown, now: number): RoomEvent | string {
  if (!isObject(candidate)) return "not an object";
  const { event_id, room_id, sender, type, content, state_key, redacts, origin_server_ts, unsigned } = candidate;
  if (typeof event_id !== "string" || event_id === "") return "no event_id";
  if (typeof room_id !== "string" || room_id === "") return "no room_id";
  if (typeof sender !== "string" || sender === "") return "no sender";
  if (typeof type !== "string" || type === "") return "no type";
  if (!isObject(content)) return "content is not an object";
  if (state_key !== undefined && typeof state_key !== "string") return "state_key is not a string";
  if (![event_id, room_id, sender, type, state_key ?? ""].every(isStorable)) return "an id that can't be stored";
  if (isDeeperThan(candidate, MAX_DEPTH)) return `nested more than ${MAX_DEPTH} deep`;
  return {
    event_id,
    room_id,
    sender,
    type,
    content,
    ...(state_key === undefined ? {} : { state_key }),
    ...(typeof redacts === "string" ? { redacts } : {}),
    origin_server_ts: isTimestamp(origin_server_ts) ? origin_server_ts : now,
    ...(isObject(unsigned) ? { unsigned } : {}),
  };
}

function toDeviceWakeUps(body: JsonObject, malformed: MalformedPart[]): WakeUp[] {
  const wakeUps: WakeUp[] = [];
  for (const message of listOf(body, ["to_device", "de.sorunome.msc2409.to_device"], malformed)) {
    if (!isObject(message) || typeof message["to_user_id"] !== "string") {
      // The message may hold keys, so it is not kept: the device's /sync has it.
      malformed.push({ reason: "to-device message: no to_user_id", raw: null });
      continue;
    }
    const { to_user_id: userId, to_device_id: deviceId } = message;
    wakeUps.push(typeof deviceId === "string" ? { userId, deviceId } : { userId });
  }
  return wakeUps;
}

/**
 * One-time-key counts and unused fallback keys are pushed for the devices whose keys were touched. Synapse lists public
 * cross-signing keys as if they were devices; such a wake-up fits no device and is passed on all the same.
 */
function keyWakeUps(body: JsonObject): WakeUp[] {
  const wakeUps: WakeUp[] = [];
  for (const name of [
    "device_one_time_keys_count",
    "org.matrix.msc3202.device_one_time_keys_count",
    "org.matrix.msc3202.device_one_time_key_counts",
    "device_unused_fallback_key_types",
    "org.matrix.msc3202.device_unused_fallback_key_types",
  ]) {
    const byUser = own(body, name);
    if (!isObject(byUser)) continue;
    for (const [userId, byDevice] of Object.entries(byUser)) {
      if (!isObject(byDevice)) continue;
      for (const deviceId of Object.keys(byDevice)) wakeUps.push({ userId, deviceId });
    }
  }
  return wakeUps;
}

function changedUsers(body: JsonObject): string[] {
  const users = new Set<string>();
  for (const name of ["device_lists", "org.matrix.msc3202.device_lists"]) {
    const lists = own(body, name);
    if (!isObject(lists)) continue;
    for (const list of [own(lists, "changed"), own(lists, "left")]) {
      if (!Array.isArray(list)) continue;
      for (const user of list as unknown[]) if (typeof user === "string" && isStorable(user)) users.add(user);
    }
  }
  return [...users];
}

/** All items under any of these names. */
function listOf(body: JsonObject, names: readonly string[], malformed: MalformedPart[]): unknown[] {
  return names.flatMap((name) => {
    const list = own(body, name);
    if (list === undefined) return [];
    if (Array.isArray(list)) return list as unknown[];
    malformed.push({ reason: `${name} is not a list`, raw: name === "events" ? keepable(list) : null });
    return [];
  });
}

function uniqueWakeUps(wakeUps: readonly WakeUp[]): WakeUp[] {
  const seen = new Map<string, WakeUp>();
  for (const wakeUp of wakeUps) seen.set(JSON.stringify([wakeUp.userId, wakeUp.deviceId]), wakeUp);
  return [...seen.values()];
}

function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isTimestamp(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function keepable(raw: unknown): unknown {
  return isDeeperThan(raw, MAX_DEPTH) ? null : raw;
}

/** Works level by level, because its input would overflow a recursion. */
function isDeeperThan(value: unknown, limit: number): boolean {
  let level: object[] = isNested(value) ? [value] : [];
  for (let depth = 0; depth < limit && level.length > 0; depth += 1) {
    level = level.flatMap((item) => Object.values(item).filter(isNested));
  }
  return level.length > 0;
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
