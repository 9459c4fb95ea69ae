import { modelInRoom } from "../agents/model-in-room.ts";
import { checkAll } from "../doctor/check-all.ts";
import { examineSelf } from "../doctor/patient.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import type { RecentPings } from "../homeserver/recent-pings.ts";
import { startWeb } from "../web/web.ts";
import type { WebParts } from "../web/parts.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/** Serves the page for whoever runs the bridge, where it is switched on. Throws ListenerFailure. */
export async function serveWeb(
  foundation: Foundation,
  stores: Stores,
  { ghosts, pings }: { readonly ghosts: Ghosts; readonly pings: RecentPings },
): Promise<void> {
  const { config, closers } = foundation;
  if (config.web === undefined) return;
  const web = await startWeb(partsOf(foundation, stores, ghosts, pings), config.web);
  closers.add(() => web.close());
}

function partsOf(foundation: Foundation, stores: Stores, ghosts: Ghosts, pings: RecentPings): WebParts {
  const { settings, database, directory, providers, registration, client, botUserId, processes, log } = foundation;
  const { permissions, consents, requests, privacy: gate } = stores;
  const models = {
    agentOf: (ghost: string) => directory.agentOf(ghost),
    provider: (name: string) => providers.now.get(name),
    settings: stores.settings,
  };
  return {
    settings,
    database,
    directory,
    permissions,
    botUserId,
    ghosts,
    processes,
    providers: () => providers.now,
    privacy: { gate, consents, requests, modelIn: (ghost, roomId) => modelInRoom(models, ghost, roomId) },
    examine: async () =>
      checkAll(
        await examineSelf({ config: settings(), registration, client, providers: providers.now }, { pings, database }),
      ),
    log,
  };
}
