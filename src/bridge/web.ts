import { modelInRoom } from "../agents/model-in-room.ts";
import { checkAll } from "../doctor/check-all.ts";
import { examineSelf } from "../doctor/patient.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import type { RecentPings } from "../homeserver/recent-pings.ts";
import { sharedAnswer } from "../observability/shared-answer.ts";
import type { WebParts } from "../web/parts.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/** The time for which the page shows the same examination, in ms: it asks other machines, whoever looks at it how often. */
const EXAMINATION_AGE_MS = 5_000;

/** Serves the page for whoever runs the bridge, where it is switched on. Throws ListenerFailure. */
export async function serveWeb(foundation: Foundation, stores: Stores, shown: ShownParts): Promise<void> {
  const { config, closers, database, directory, background, log } = foundation;
  if (config.web === undefined) return;
  // Most bridges have no page: its parts take no memory there.
  const [{ startWeb }, { PagePulls }] = await Promise.all([import("../web/web.ts"), import("../web/pulls.ts")]);
  const pulls = new PagePulls({
    note: (entry) => stores.audit.record(database, entry),
    installed: () => background.run("the list of models", () => directory.refresh()),
    log,
  });
  closers.add(() => pulls.stop());
  const web = await startWeb({ ...partsOf(foundation, stores, shown), pulls }, config.web);
  closers.add(() => web.close());
}

/** The parts that the page shows beside the foundation and the stores. */
interface ShownParts {
  readonly ghosts: Ghosts;
  readonly pings: RecentPings;
  readonly configuration: WebParts["configuration"];
}

function partsOf(
  foundation: Foundation,
  stores: Stores,
  { ghosts, pings, configuration }: ShownParts,
): Omit<WebParts, "pulls"> {
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
    examine: sharedAnswer(
      async () =>
        checkAll(
          await examineSelf(
            { config: settings(), registration, client, providers: providers.now },
            { pings, database },
          ),
        ),
      EXAMINATION_AGE_MS,
    ),
    configuration,
    toolSignIns: stores.toolSignIns.people,
    log,
  };
}
