import type { Synapse } from "../../../quickstart/synapse.ts";
import { venvPython } from "../../../quickstart/venv.ts";
import { inCheckout, NIO_VENV } from "../../support/paths.ts";
import { startProcess, type Process } from "../../support/process.ts";
import { temporaryDirectory } from "../../support/temporary.ts";
import { PASSWORD, type Peer } from "./peer.ts";
import { ready } from "./ready.ts";

/** Of each bot's log. */
const LINES = 1;

/** Starts bots on matrix-nio, each in a separate process, as its users run them. Resolves when all have synced. */
export async function startNioBots(synapse: Synapse, count: number, model: string): Promise<Peer> {
  const bots: Process[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(bots.map((bot) => bot.stop({ signal: "SIGKILL" })));
  };
  const agents = Array.from({ length: count }, (_, index) => `@nio${index}:${synapse.serverName}`);
  try {
    for (const [index, userId] of agents.entries()) {
      await synapse.registerUser(`nio${index}`, PASSWORD);
      const store = await temporaryDirectory("nio");
      const bot = await startProcess({
        command: venvPython(NIO_VENV),
        args: [inCheckout("test/bench/peers/nio_bot.py"), synapse.url, userId, PASSWORD, model, store],
      });
      bots.push(bot);
      await ready(bot);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const log = (): string => bots.flatMap((bot) => bot.stderr.slice(-LINES)).join("\n");
  return { name: "nio", agents, processes: bots.map(({ pid }) => pid), log, stop };
}
