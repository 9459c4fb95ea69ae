import { randomUUID } from "node:crypto";
import type { Logger } from "../observability/log.ts";
import { numberField } from "./answer.ts";
import { versions } from "./calls.ts";
import type { CallOptions, HomeserverClient } from "./client.ts";
import { isHomeserverError, MatrixError } from "./errors.ts";
import { path } from "./path.ts";
import { pause, retryDelayMs } from "./retry.ts";

/** The result of a ping of the appservice through the homeserver. */
export type PingResult =
  | { readonly kind: "answered"; readonly durationMs: number }
  /** `reason` names the fault and the remedy for the admin. */
  | { readonly kind: "failed"; readonly reason: string; readonly error: unknown };

/**
 * Waits until the homeserver answers `/versions`, and logs that it waits. Only `signal` ends the wait, with its reason:
 * the bridge must survive a homeserver that is away for hours.
 */
export async function awaitHomeserver(client: HomeserverClient, log: Logger, signal: AbortSignal): Promise<void> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      await versions(client, { signal });
      if (attempts > 1) log.info({ attempts }, "the homeserver answers");
      return;
    } catch (error) {
      if (!isHomeserverError(error)) throw error;
      const waitMs = retryDelayMs(error, attempts);
      if (error instanceof MatrixError && error.errcode === "M_UNKNOWN_TOKEN") {
        // Synapse refuses even this call to an unknown token.
        const reason = explainPingFailure(error, "");
        log.error({ reason, waitMs }, "the homeserver does not know this registration; agents answer once it does");
      } else {
        log.warn({ error: error.message, waitMs }, "waiting for the homeserver; agents answer once it does");
      }
      await pause(waitMs, signal);
    }
  }
}

/**
 * Has the homeserver ping us (`POST /_matrix/client/v1/appservice/{id}/ping`). The ping tries both directions and both
 * tokens, and makes Synapse send at once the transactions that it held back while we were away. A failure is logged
 * with its remedy and returned; throws only the abort reason of `options.signal`.
 *
 * @param hasReached whether the ping of this id came to us: a ping that succeeded elsewhere was answered by another
 * bridge.
 */
export async function pingHomeserver(
  client: HomeserverClient,
  appservice: { readonly id: string; readonly url: string },
  log: Logger,
  options?: CallOptions,
  hasReached: (transactionId: string) => boolean = () => true,
): Promise<PingResult> {
  const transactionId = randomUUID();
  try {
    const durationMs = await pingAppservice(client, appservice.id, transactionId, options);
    if (!hasReached(transactionId)) {
      log.error({ url: appservice.url }, "another bridge with this registration answers there; stop one of them");
      return { kind: "answered", durationMs };
    }
    log.info({ ms: durationMs }, "the homeserver reaches us");
    return { kind: "answered", durationMs };
  } catch (error) {
    if (!isHomeserverError(error)) throw error;
    const reason = explainPingFailure(error, appservice.url);
    log.error({ error: error.message, reason }, "the homeserver's ping of this application service failed");
    return { kind: "failed", reason, error };
  }
}

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

const UNKNOWN_TOKEN =
  "The homeserver does not know this registration's as_token. Add the registration file to app_service_config_files in homeserver.yaml, make sure it is the same file as ours, and restart Synapse.";

/**
 * The meaning of each failure of a ping, and the admin's remedy, by the error's code (application-service API,
 * "Pinging"). Each takes the registration's URL, at which the homeserver looks for us.
 */
export const PING_FAILURES: ReadonlyMap<string, (url: string) => string> = new Map<string, (url: string) => string>([
  ["M_UNKNOWN_TOKEN", () => UNKNOWN_TOKEN],
  ["M_MISSING_TOKEN", () => UNKNOWN_TOKEN],
  [
    "M_FORBIDDEN",
    () =>
      "The homeserver knows the as_token under another id. Make the id of both copies of the registration the same, and restart Synapse.",
  ],
  [
    "M_URL_NOT_SET",
    () =>
      "The homeserver's copy of the registration has no url. Set it to an address where the homeserver reaches the bridge, and restart Synapse.",
  ],
  [
    "M_BAD_STATUS",
    (url) =>
      `The homeserver reached ${url}, but the answer was a refusal. Either its hs_token is not ours (then both copies of the registration differ), or something else answers at that address.`,
  ],
  [
    "M_CONNECTION_FAILED",
    (url) =>
      `The homeserver cannot connect to ${url}. Set the registration's url to an address that it can reach, and restart Synapse.`,
  ],
  [
    "M_CONNECTION_TIMEOUT",
    (url) =>
      `The homeserver got no answer from ${url} in time. Look for a firewall, or for an address that leads elsewhere.`,
  ],
  ["M_UNRECOGNIZED", () => "The homeserver is too old to ping application services; messages may work all the same."],
]);

/** The meaning of a failed ping, with the remedy. `url` is the registration's. */
export function explainPingFailure(error: unknown, url: string): string {
  if (!(error instanceof MatrixError)) return error instanceof Error ? error.message : String(error);
  return PING_FAILURES.get(error.errcode)?.(url) ?? error.message;
}
