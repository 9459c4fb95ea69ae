import { serveDoctor } from "../doctor/endpoint.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import { AgentsAppService } from "../homeserver/app-service.ts";
import { startAppService } from "../homeserver/appservice-bridge.ts";
import type { RecentPings } from "../homeserver/recent-pings.ts";
import type { Transaction } from "../homeserver/transaction.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/** The endpoints for the homeserver, not listening yet. */
export function makeAppService(
  foundation: Foundation,
  stores: Stores,
  ghosts: Ghosts,
  pings: RecentPings,
  deliver: (transaction: Transaction) => Promise<void>,
): AgentsAppService {
  const { config, registration, database, log, metrics } = foundation;
  const appService = new AgentsAppService({
    hsToken: registration.hsToken,
    maxTransactionBytes: config.appservice.maxTransactionBytes,
    onTransaction: deliver,
    onUserQuery: (userId) => answerUserQuery(userId, foundation, stores, ghosts),
    onPing: (transactionId) => pings.note(transactionId),
    log,
    metrics,
  });
  serveDoctor(appService.expressApp, { hsToken: registration.hsToken, database, pings });
  return appService;
}

/** Starts to listen. Throws where the port is taken. */
export async function listen(
  { config, registration, closers, log }: Foundation,
  appService: AgentsAppService,
): Promise<void> {
  const running = await startAppService({
    registration: registration.raw,
    homeserverUrl: config.homeserver.url,
    domain: config.homeserver.domain,
    bindAddress: config.appservice.bind,
    port: config.appservice.port,
    appService,
    log,
  });
  closers.add(() => running.close());
}

/** Whether such a user exists; it is made if necessary. */
async function answerUserQuery(
  userId: string,
  { directory, botUserId }: Foundation,
  { permissions }: Stores,
  ghosts: Ghosts,
): Promise<boolean> {
  if (!ghosts.isGhost(userId)) await directory.refresh();
  if (userId !== botUserId && directory.agentOf(userId) === undefined) return false;
  if (!permissions.decide({ act: "query", userId: undefined, ghost: userId }).allowed) return false;
  await ghosts.of(userId).announce();
  return true;
}
