import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import type { Registration } from "../config/registration.ts";
import { AgentsAppService } from "../homeserver/app-service.ts";
import { whoami } from "../homeserver/calls.ts";
import { createHomeserverClient, type HomeserverClient } from "../homeserver/client.ts";
import { HomeserverUnreachable, isHomeserverError } from "../homeserver/errors.ts";
import { explainPingFailure, knowsNoPings, pingAppservice } from "../homeserver/ping.ts";
import { silentLogger } from "../observability/log.ts";

const EVERY_MS = 2_000;
const PING_TIMEOUT_MS = 15_000;

/** The addresses of the bridge's listener: for the homeserver, and for us. */
export interface PingPlace {
  readonly homeserver: Pick<Config["homeserver"], "url" | "ca">;
  readonly registration: Registration;
  readonly bind: string;
  readonly port: number;
}

/** The state of the listener in the bridge's place. */
export type StandIn = { readonly kind: "listening"; readonly pings: ReadonlySet<string> } | { readonly kind: "taken" };

/**
 * Listens in the bridge's place while `work` runs. It answers pings and refuses transactions, which the homeserver then
 * keeps for the bridge. Where something already listens, possibly the bridge itself, `work` is told so.
 */
async function inPlaceOfBridge<T>(
  { registration, bind, port }: Pick<PingPlace, "registration" | "bind" | "port">,
  work: (standIn: StandIn) => Promise<T>,
): Promise<T> {
  const pings = new Set<string>();
  const listener = new AgentsAppService({
    hsToken: registration.hsToken,
    onTransaction: () => Promise.reject(new Error("the bridge does not run yet")),
    onUserQuery: () => Promise.reject(new Error("the bridge does not run yet")),
    onPing: (transactionId) => pings.add(transactionId),
    log: silentLogger(),
  });
  try {
    await listener.listen(port, bind, 0);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    return work({ kind: "taken" });
  }
  try {
    return await work({ kind: "listening", pings });
  } finally {
    await listener.close();
  }
}

/** The homeserver has the registration, and reached us if it can be asked to: not every one pings. */
export type FirstSight =
  { readonly kind: "reaches us"; readonly durationMs: number } | { readonly kind: "knows no pings" };

/**
 * Makes the homeserver ping us until that succeeds, which it does after a restart with the registration; or until a
 * homeserver that knows no pings knows the registration. Otherwise only `signal` ends it, and it throws the signal's
 * reason; or an error of our listener ends it.
 *
 * @param told called with the meaning of a failure, whenever that changes.
 */
export async function awaitFirstPing(
  place: PingPlace,
  told: (reason: string) => void,
  signal: AbortSignal,
): Promise<FirstSight> {
  const { homeserver, registration } = place;
  const client = createHomeserverClient({
    url: homeserver.url,
    ca: homeserver.ca,
    asToken: registration.asToken,
    log: silentLogger(),
  });
  try {
    return await inPlaceOfBridge(place, () => pingUntilAnswered(client, registration, told, signal));
  } finally {
    await client.close();
  }
}

async function pingUntilAnswered(
  client: HomeserverClient,
  registration: Registration,
  told: (reason: string) => void,
  signal: AbortSignal,
): Promise<FirstSight> {
  let last = "";
  for (;;) {
    try {
      return await pingOnce(client, registration, signal);
    } catch (error) {
      if (!isHomeserverError(error)) throw error;
      const reason =
        error instanceof HomeserverUnreachable
          ? `The homeserver is not there (${error.code}); is it being restarted?`
          : explainPingFailure(error, { url: registration.url });
      if (reason !== last) told(reason);
      last = reason;
    }
    await pause(EVERY_MS, undefined, { signal });
  }
}

/** Throws HomeserverError where the homeserver does not know the registration, or does not reach us. */
async function pingOnce(client: HomeserverClient, { id }: Registration, signal: AbortSignal): Promise<FirstSight> {
  const options = { signal, timeoutMs: PING_TIMEOUT_MS };
  try {
    return { kind: "reaches us", durationMs: await pingAppservice(client, id, randomUUID(), options) };
  } catch (error) {
    if (!knowsNoPings(error)) throw error;
    // Only a registered token is known.
    await whoami(client, undefined, options);
    return { kind: "knows no pings" };
  }
}
