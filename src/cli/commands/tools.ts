import { guardEgress } from "../../egress/guard.ts";
import { defineCommand } from "../command.ts";

/**
 * Starts or reaches the configured tool servers, asks for their tools, and prints them; nothing else is started or reached.
 * Returns 0, or 1 where a server can't be reached. Throws UsageError and ConfigError.
 */
// This file imports nothing that can open a connection, as start.ts.
export const command = defineCommand({
  summary: "reach each tool server, and show its tools, who has them and who has to agree",
  arguments: {
    "[list]": "all servers",
    SERVER: "one server of tools: in the configuration, with each of its tools",
  },
  options: { json: { type: "boolean", meaning: "print the servers with their tools as JSON" } },
  examples: ["matrix-agents tools", "matrix-agents tools files"],
  async run({ config, json }, args) {
    const guard = guardEgress();
    return (await import("../tell-tools.ts")).tellTools(config, args, { isJson: json }, guard);
  },
});
