import type { JsonObject } from "./json.ts";

/*
 * Event streams (MSC4471): a message tells of a stream, devices that show the message subscribe, and the sender's device sends them what
 * the message says so far. All of it by to-device messages, and nothing of it stays.
 */

/** The field of a message that tells of its stream. */
export const STREAM = "org.matrix.msc4471.stream";
export const STREAM_SUBSCRIBE = `${STREAM}.subscribe`;
export const STREAM_CANCEL = `${STREAM}.cancel`;
export const STREAM_UPDATE = `${STREAM}.update`;
export const STREAM_ALGORITHM = `${STREAM}.v1.aes-gcm`;

/** The longest id that a homeserver may give (255 bytes). */
const LONGEST_ID = 255;

/** The wish of a device to be told. */
export interface Subscription {
  readonly roomId: string;
  readonly eventId: string;
  readonly deviceId: string;
  /** The time for which it is wished, in ms. */
  readonly expiryMs: number;
  /** Whether it wants the whole text again. */
  readonly resync: boolean;
}

/** Reads the content of a subscription; undefined where it is none. */
export function parseSubscription(content: unknown): Subscription | undefined {
  if (typeof content !== "object" || content === null) return undefined;
  const {
    room_id: roomId,
    event_id: eventId,
    device_id: deviceId,
    expiry_ms: expiryMs,
    resync,
  } = content as JsonObject;
  if (!isId(roomId) || !isId(eventId) || !isId(deviceId)) return undefined;
  if (typeof expiryMs !== "number" || !Number.isSafeInteger(expiryMs) || expiryMs <= 0) return undefined;
  return { roomId, eventId, deviceId, expiryMs, resync: resync === true };
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= LONGEST_ID;
}

/** A change of the text that a device shows. */
export interface StreamChange {
  readonly op: "replace" | "append";
  readonly body: string;
}

/** The change that leads from the text that a device has to another; undefined where they are the same. */
export function streamChange(shown: string | undefined, text: string): StreamChange | undefined {
  if (shown === text) return undefined;
  if (shown === undefined || !text.startsWith(shown)) return { op: "replace", body: text };
  return { op: "append", body: text.slice(shown.length) };
}
