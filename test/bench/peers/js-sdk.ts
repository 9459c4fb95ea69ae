import type { Synapse } from "../../../quickstart/synapse.ts";
import { inCheckout } from "../../support/paths.ts";
import { lastLines, startProcess } from "../../support/process.ts";
import { PASSWORD, type Peer } from "./peer.ts";
import { ready } from "./ready.ts";

/** Starts bots on matrix-js-sdk, all in one process, the cheapest way to run many. Resolves when all have synced. */
export async function startJsSdkBots(synapse: Synapse, count: number, model: string): Promise<Peer> {
  const agents = Array.from({ length: count }, (_, index) => `@jssdk${index}:${synapse.serverName}`);
  for (const index of agents.keys()) await synapse.registerUser(`jssdk${index}`, PASSWORD);
  const bots = await startProcess({
    command: process.execPath,
    args: [inCheckout("test/bench/peers/js-sdk-bots.ts"), synapse.url, PASSWORD, model, ...agents],
  });
  const stop = async (): Promise<void> => {
    await bots.stop({ signal: "SIGKILL" });
  };
  try {
    await ready(bots);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: "js-sdk", agents, processes: [bots.pid], log: () => lastLines(bots), stop };
}
