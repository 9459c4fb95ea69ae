import type { Deployment } from "../../support/deployment.ts";
import type { Postgres } from "../../support/postgres.ts";
import type { Peer } from "./peer.ts";

const LOG_LENGTH = 4_000;

/** The bridge of a deployment, which stops together with it. */
export function bridgePeer(deployment: Deployment, names: readonly string[], postgres: Postgres): Peer {
  return {
    name: "bridge",
    agents: names.map((name) => deployment.agent(name)),
    processes: [deployment.bridge.pid],
    database: postgres.pid(),
    log: () => deployment.bridge.text().slice(-LOG_LENGTH),
    stop: () => Promise.resolve(),
  };
}
