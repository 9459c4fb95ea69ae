import { startDeployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { ask } from "./latency.ts";
import type { Row } from "./row.ts";

/** How a start with many ghosts, all of which have keys to hear of, weighs on the homeserver and on who asks meanwhile. */
export async function manyGhosts(count: number): Promise<{ rows: Row[]; peak: number; syncPeak: number }> {
  let port = 0;
  const proxy = await startHttpProxy(() => port);
  const running = { all: 0, sync: 0 };
  const most = { all: 0, sync: 0 };
  let synced = new Set<string>();
  proxy.intercept = async (request) => {
    const isSync = request.url.includes("/sync?");
    running.all++;
    if (isSync) running.sync++;
    most.all = Math.max(most.all, running.all);
    most.sync = Math.max(most.sync, running.sync);
    try {
      return await proxy.forward(request);
    } finally {
      running.all--;
      if (isSync) {
        running.sync--;
        synced.add(new URL(request.url, "http://localhost").searchParams.get("user_id") ?? "");
      }
    }
  };
  const names = Array.from({ length: count }, (_, index) => `a${index}`);
  const deployment = await startDeployment({
    database: "postgres",
    agents: Object.fromEntries(names.map((name) => [name, { provider: "demo" }])),
    through: (edge, url) => {
      if (edge !== "bridge to synapse") return Promise.resolve(url);
      port = Number(new URL(url).port);
      return Promise.resolve(proxy.url);
    },
  });
  try {
    const alice = await deployment.user("js-sdk", "alice");
    const [first = ""] = names.map((name) => deployment.agent(name));
    const joining = performance.now();
    const roomId = await alice.createRoom({ invite: names.map((name) => deployment.agent(name)) });
    for (const name of names) await alice.waitMember(roomId, deployment.agent(name), "join", 600_000);
    const joined = performance.now() - joining;
    await ask(alice, roomId, first, true);
    const quiet = await ask(alice, roomId, first, true);

    await deployment.stopBridge();
    Object.assign(most, { all: 0, sync: 0 });
    synced = new Set();
    const starting = performance.now();
    await deployment.startBridge();
    const during = await ask(alice, roomId, first, true);
    await eventually("every ghost to have caught up", () => synced.size >= count, { timeoutMs: 600_000 });
    const caughtUp = performance.now() - starting;
    return {
      rows: [
        { what: "a question when all is quiet", ms: quiet },
        { what: "a question right after a start", ms: during },
        { what: "until all have caught up", ms: caughtUp },
        { what: "until all have made their devices and joined", ms: joined },
      ],
      peak: most.all,
      syncPeak: most.sync,
    };
  } finally {
    await deployment.stop();
    await proxy.stop();
  }
}
