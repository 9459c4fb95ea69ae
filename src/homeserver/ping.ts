import type { Logger } from "../observability/log.ts";
import { unlessAborted } from "../concurrency/unless-aborted.ts";
import { numberField } from "./answer.ts";
import { versions } from "./calls.ts";
import type { CallOptions, HomeserverClient } from "./client.ts";
import { reasonOfHomeserverError } from "./error-words.ts";
import { HomeserverUnreachable, isAway, isHomeserverError, isUnrecognized, MatrixError } from "./errors.ts";
import { reasonOfNetworkError } from "../observability/network-fault.ts";
import { path } from "./path.ts";
import { lookAgainMs, pause } from "./retry.ts";

/** The result of a ping of the appservice through the homeserver. */
export type PingResult =
  /** `reachedUs` is false where another bridge with this registration has answered. */
  | { readonly kind: "answered"; readonly durationMs: number; readonly reachedUs: boolean }
  /** `reason` names the fault and the remedy for the admin. */
  | { readonly kind: "failed"; readonly reason: string; readonly error: unknown };

/** Shorter than for other calls, so that an admin who has given a wrong address soon reads so. */
const FIRST_LOOK_MS = 8_000;

/**
 * Waits until the homeserver answers `/versions`, and logs why it waits. Only `signal` ends the wait, with its reason:
 * the bridge must survive a homeserver that is away for hours.
 *
 * @param parts.ours our copy of the registration.
 * @param parts.why looks closer at an address that does not answer as a homeserver: the reason in words, undefined where one
 *   answers. Asked once for each kind of failure.
 */
export async function awaitHomeserver(parts: {
  readonly client: HomeserverClient;
  readonly ours: OurCopy;
  readonly why: () => Promise<string | undefined>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { client, ours, why, log, signal } = parts;
  let last: { readonly message: string; readonly reason: string | undefined } | undefined;
  for (let attempts = 1; ; attempts += 1) {
    try {
      await versions(client, { signal, ...(attempts === 1 ? { timeoutMs: FIRST_LOOK_MS } : {}) });
      if (attempts > 1) log.info({ attempts }, "the homeserver answers");
      return;
    } catch (error) {
      if (!isHomeserverError(error)) throw error;
      const waitMs = lookAgainMs(error, attempts);
      if (error instanceof MatrixError && error.errcode === "M_UNKNOWN_TOKEN") {
        // Synapse refuses even this call to an unknown token.
        const reason = explainPingFailure(error, ours);
        log.error({ reason, waitMs }, "the homeserver does not know this registration; agents answer once it does");
      } else {
        const { message } = error;
        if (last?.message !== message) last = { message, reason: await unlessAborted(why(), signal) };
        log.warn({ reason: last.reason ?? reasonOfHomeserverError(error), waitMs }, WAITING);
      }
      await pause(waitMs, signal);
    }
  }
}

const WAITING = "waiting for the homeserver; agents answer once it does";

/** The ping alone. Returns the milliseconds that the homeserver waited for our answer. */
export async function pingAppservice(
  client: HomeserverClient,
  id: string,
  transactionId: string,
  options?: CallOptions,
): Promise<number> {
  const answer = await client.request({
    ...options,
    method: "POST",
    path: path`/_matrix/client/v1/appservice/${id}/ping`,
    body: { transaction_id: transactionId },
  });
  return numberField(answer, "duration_ms", "POST ping");
}

function unknownToken({ file }: OurCopy): string {
  return `The homeserver does not know this registration's as_token: its copy has another one than ours, ${file}, or it has none. Give it the same file (Synapse: app_service_config_files in homeserver.yaml), and restart the homeserver.`;
}

/** Our copy of the registration; the homeserver uses its own, which it shows nobody. */
export interface OurCopy {
  /** Path of the file. */
  readonly file: string;
  readonly url: string;
}

/** What is known about a failed ping. */
export interface PingFailure extends OurCopy {
  /** The homeserver's own words, such as `ConnectionRefusedError: …`; empty when there were none. */
  readonly said: string;
  /** Whether our listener refused a ping meanwhile, because of its hs_token; undefined where that can't be told. */
  readonly isRefusedByUs?: boolean | undefined;
}

/**
 * The meaning of each failure of a ping, and the admin's remedy, by the error's code (application-service API,
 * "Pinging").
 */
export const PING_FAILURES: ReadonlyMap<string, (failure: PingFailure) => string> = new Map<
  string,
  (failure: PingFailure) => string
>([
  ["M_UNKNOWN_TOKEN", unknownToken],
  ["M_MISSING_TOKEN", unknownToken],
  [
    "M_FORBIDDEN",
    ({ file }) =>
      `The homeserver knows the as_token under another id. Make the id of both copies of the registration the same, ours is ${file}, and restart the homeserver.`,
  ],
  [
    "M_URL_NOT_SET",
    () =>
      "The homeserver's copy of the registration has no url. Set it to an address where the homeserver reaches the bridge, and restart the homeserver.",
  ],
  ["M_BAD_STATUS", badStatus],
  [
    "M_CONNECTION_FAILED",
    (failure) =>
      `The homeserver can't connect to the url in its copy of the registration${quoted(failure.said)}. ${sameUrl(failure)}`,
  ],
  [
    "M_CONNECTION_TIMEOUT",
    (failure) =>
      `The homeserver got no answer in time from the url in its copy of the registration. Look for a firewall, or for an address that leads elsewhere. ${sameUrl(failure)}`,
  ],
  ["M_UNRECOGNIZED", () => "The homeserver does not ping application services; messages work all the same."],
]);

function badStatus(failure: PingFailure): string {
  const { said, isRefusedByUs, file } = failure;
  const forbids = /^HTTP 40[13]\b/.test(said);
  if (isRefusedByUs === true || (isRefusedByUs === undefined && forbids)) {
    return `The homeserver reached ${isRefusedByUs === true ? "this bridge" : "a bridge"}, which refused its hs_token. Its copy of the registration has another hs_token than ours, ${file}: give it the same file, and restart the homeserver.`;
  }
  return `Another program than this bridge answers at the url in the homeserver's copy of the registration${quoted(said)}. Stop that program, or give the homeserver the right address. ${sameUrl(failure)}`;
}

/** The homeserver reads its own copy of the registration, and nobody can ask it for the url there. */
function sameUrl({ url, file }: OurCopy): string {
  return `In our copy, ${file}, the url is ${url}: make sure that both copies are the same and that the homeserver can reach this address (in a container, 127.0.0.1 is the container itself), and restart the homeserver.`;
}

/** The most characters of the homeserver's words that are told. */
const SAID = 200;

function quoted(said: string): string {
  const words = said
    .slice(0, SAID)
    .replaceAll(/[\p{C}\s]+/gu, " ")
    .replaceAll(". ", "; ")
    .replace(/[.\s]+$/, "");
  return words === "" ? "" : ` (it says: ${words})`;
}

/** Whether the homeserver knows no pings. It may reach us all the same. */
export function knowsNoPings(error: unknown): boolean {
  return isUnrecognized(error);
}

/** Whether a failed ping tells nothing about the address in the registration, because the homeserver itself, or a proxy, failed. */
export function saysNothing(error: unknown): boolean {
  return isAway(error) || (error instanceof MatrixError && error.retryable && !PING_FAILURES.has(error.errcode));
}

/** The meaning of a failed ping, with the remedy after the first full stop. */
export function explainPingFailure(error: unknown, about: Omit<PingFailure, "said">): string {
  if (error instanceof HomeserverUnreachable && error.code === "TIMEOUT") {
    return `The homeserver does not say in time what came of its ping. It hangs, or what listens at the url in its copy of the registration takes the connection and is silent, as a bridge that hangs does. ${sameUrl(about)}`;
  }
  if (error instanceof HomeserverUnreachable) {
    return `The homeserver can't be reached: ${reasonOfNetworkError(error) ?? error.code}.`;
  }
  if (!(error instanceof MatrixError)) return error instanceof Error ? error.message : String(error);
  return PING_FAILURES.get(error.errcode)?.({ ...about, said: error.said }) ?? error.message;
}
