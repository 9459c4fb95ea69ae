import { endpointOf } from "./endpoint.ts";

/** The end of a call. */
export type CallEnd =
  /** `errcode` is that of the answer's standard error; undefined where the answer had none. */
  | { readonly kind: "answered"; readonly status: number; readonly errcode: string | undefined }
  /** No complete answer came. `code` is the system's, or `TIMEOUT`. */
  | { readonly kind: "unanswered"; readonly code: string };

/** What the end of a call tells about the homeserver itself. */
export type Sighting = "there" | "away" | "unclear";

/**
 * The calls that a homeserver answers alone. It passes others on: to other servers (a join, a remote file), or to our
 * own listener (a ping). Where such a call fails, that may be the other side's fault. The watch is among these calls,
 * and there is always one of it, so no absence is overlooked.
 */
const ANSWERED_ALONE: ReadonlySet<string> = new Set([
  "watch",
  "sync",
  "versions",
  "whoami",
  "send",
  "receipt",
  "typing",
  "devices",
  "keys_upload",
  "account_data",
  "joined_rooms",
]);

/** A homeserver that was there this short a time ago, in ms, is slow with a call that times out now. */
const SLOW_MS = 10_000;

/**
 * Whether the homeserver is there, by the end of one call. While it is away, its proxy answers 502 to 504 in its place,
 * without an error code of Matrix. The homeserver uses the same statuses where another server or our own listener could
 * not be reached; then it is there. One that has much to do answers some calls and lets others time out.
 *
 * @param sinceThereMs the time since a call last showed that it is there.
 */
export function sightingOf(path: string, end: CallEnd, sinceThereMs: number): Sighting {
  if (end.kind === "unanswered" && end.code === "TIMEOUT" && sinceThereMs < SLOW_MS) return "unclear";
  const unlessAlone = ANSWERED_ALONE.has(endpointOf(path)) ? "away" : "unclear";
  if (end.kind === "unanswered") return end.code === "ECONNREFUSED" ? "away" : unlessAlone;
  if (end.status < 502 || end.status > 504) return "there";
  // A worker answers M_UNKNOWN while the main process is away.
  return end.errcode === undefined || end.errcode === "M_UNKNOWN" ? unlessAlone : "there";
}
