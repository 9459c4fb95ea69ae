import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { backoffMs } from "../concurrency/backoff.ts";
import type { Config } from "../config/config.ts";
import type { Registration } from "../config/registration.ts";
import { AgentsAppService } from "../homeserver/app-service.ts";
import { whoami } from "../homeserver/calls.ts";
import { createHomeserverClient, type HomeserverClient } from "../homeserver/client.ts";
import { HomeserverUnreachable, isHomeserverError } from "../homeserver/errors.ts";
import { explainPingFailure, knowsNoPings, pingAppservice } from "../homeserver/ping.ts";
import { reasonOfNetworkError } from "../observability/network-fault.ts";
import { silentLogger } from "../observability/log.ts";

/** The pauses between pings while somebody registers the bridge. */
const AGAIN = { firstMs: 2_000, longestMs: 15_000 };
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

/** The homeserver has the registration, and reached us if it can be asked to: not every one pings. `sender` is our bot there. */
export type FirstSight =
  | { readonly kind: "reaches us"; readonly durationMs: number; readonly sender: string }
  | { readonly kind: "knows no pings"; readonly sender: string };

/** The same, or the reason why it is not so yet. */
type Sight = FirstSight | { readonly kind: "not yet"; readonly reason: string };

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
  return withClient(place, async (client) => {
    let last = "";
    for (let failures = 0; ; failures += 1) {
      const sight = await look(client, place.registration, signal);
      if (sight.kind !== "not yet") return sight;
      if (sight.reason !== last) told(sight.reason);
      last = sight.reason;
      await pause(backoffMs(failures, AGAIN), undefined, { signal });
    }
  });
}

/** Makes the homeserver ping us once. Throws as {@link awaitFirstPing}. */
export async function tryFirstPing(place: PingPlace, signal: AbortSignal): Promise<Sight> {
  return withClient(place, (client) => look(client, place.registration, signal));
}

async function withClient<T>(place: PingPlace, work: (client: HomeserverClient) => Promise<T>): Promise<T> {
  const { homeserver, registration } = place;
  const client = createHomeserverClient({
    url: homeserver.url,
    ca: homeserver.ca,
    asToken: registration.asToken,
    log: silentLogger(),
  });
  try {
    return await inPlaceOfBridge(place, () => work(client));
  } finally {
    await client.close();
  }
}

async function look(client: HomeserverClient, registration: Registration, signal: AbortSignal): Promise<Sight> {
  try {
    return await pingOnce(client, registration, signal);
  } catch (error) {
    if (!isHomeserverError(error)) throw error;
    const reason =
      error instanceof HomeserverUnreachable
        ? `The homeserver can't be reached: ${reasonOfNetworkError(error) ?? error.code}; is it being restarted?`
        : explainPingFailure(error, registration);
    return { kind: "not yet", reason };
  }
}

/** Throws HomeserverError where the homeserver does not know the registration, or does not reach us. */
async function pingOnce(client: HomeserverClient, { id }: Registration, signal: AbortSignal): Promise<FirstSight> {
  const options = { signal, timeoutMs: PING_TIMEOUT_MS };
  const durationMs = await pingAppservice(client, id, randomUUID(), options).catch((error: unknown) => {
    if (!knowsNoPings(error)) throw error;
    return undefined;
  });
  // Only a registered token is known.
  const sender = await whoami(client, undefined, options);
  return durationMs === undefined ? { kind: "knows no pings", sender } : { kind: "reaches us", durationMs, sender };
}
