import { serveDoctor } from "../doctor/endpoint.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import { answerUserQuery } from "../ghost/user-query.ts";
import { AgentsAppService } from "../homeserver/app-service.ts";
import { startAppService } from "../homeserver/appservice-bridge.ts";
import type { RecentPings } from "../homeserver/recent-pings.ts";
import type { Transaction } from "../homeserver/transaction.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/** The endpoints for the homeserver, not listening yet. */
export function makeAppService(
  { config, registration, botUserId, directory, log, metrics }: Foundation,
  { permissions }: Stores,
  ghosts: Ghosts,
  pings: RecentPings,
  deliver: (transaction: Transaction) => Promise<void>,
): AgentsAppService {
  const appService = new AgentsAppService({
    hsToken: registration.hsToken,
    maxTransactionBytes: config.appservice.maxTransactionBytes,
    onTransaction: deliver,
    onUserQuery: (userId) => answerUserQuery(userId, { botUserId, directory, permissions, ghosts }),
    onPing: (transactionId) => pings.note(transactionId),
    onRefusedPing: () => pings.noteRefused(),
    log,
    metrics,
  });
  serveDoctor(appService.expressApp, { hsToken: registration.hsToken, pings });
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
