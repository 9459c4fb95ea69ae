import { fetch } from "undici";
import { loadConfig } from "../../config/load.ts";
import { reasonOfNetworkError } from "../../observability/network-fault.ts";
import { defineCommand } from "../command.ts";

/** Longer than the bridge's own limit for a check. */
const LIMIT_MS = 8_000;

/** Asks the bridge's monitoring listener. Returns 0 when all is well, else 1. Throws ConfigError. */
export const command = defineCommand({
  summary: "ask the running bridge whether it is alive, or whether it can take and answer messages",
  options: {
    ready: {
      type: "boolean",
      meaning: "check whether it can take and answer messages; if not, print the reason and end with 1",
    },
  },
  run: ({ config, ready }) => askBridge(config, ready),
});

async function askBridge(file: string, isReady: boolean): Promise<number> {
  const { monitoring } = await loadConfig(file);
  if (monitoring === undefined) {
    process.stderr.write(`monitoring.enabled is false in ${file}, so the bridge can't be asked\n`);
    return 1;
  }
  const url = `http://${reachable(monitoring.bind)}:${monitoring.port}/${isReady ? "ready" : "health"}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
    process.stdout.write(`${await response.text()}\n`);
    return response.ok ? 0 : 1;
  } catch (error) {
    const reason = reasonOfNetworkError(error) ?? "it gives no answer";
    process.stderr.write(`matrix-agents: ${url} can't be reached: ${reason}; is the bridge running?\n`);
    return 1;
  }
}

/** A listener on all addresses is asked by loopback. */
function reachable(bind: string): string {
  if (bind === "0.0.0.0") return "127.0.0.1";
  if (bind === "::") return "[::1]";
  return bind.includes(":") ? `[${bind}]` : bind;
}
