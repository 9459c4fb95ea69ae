import { guardEgress } from "../../egress/guard.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Starts or reaches the configured tool servers, asks for their tools, and prints them; nothing else is started or reached.
 * Or shows what rooms have decided about tools, takes permissions back, or signs people out; that reaches the database alone, and the authorisation servers that revoke the
 * tokens. Returns 0; 1 where
 * a server can't be reached, or where nothing was allowed that could be taken back. Throws UsageError, ConfigError, and the
 * error of opening the database.
 */
// This file imports nothing that can open a connection, as start.ts.
export const command = defineCommand({
  summary:
    "reach each tool server, and show its tools, who has them and who has to agree; or take rooms' permissions back, or sign people out",
  arguments: {
    "[list]": "all servers",
    SERVER: "one server of tools: in the configuration, with each of its tools",
    "forget ROOM AGENT [SERVER [TOOL]]":
      "take a room's permissions back: people are asked again. all in place of a room or an agent means all",
    "forget all": "take all permissions back",
    "sign-out USER|all [SERVER]":
      "forget and revoke people's tokens for tool servers, as when somebody has left; they can sign in again",
  },
  options: {
    json: { type: "boolean", meaning: "print the servers with their tools, or the decisions, as JSON" },
    decisions: { type: "boolean", meaning: "show what rooms have decided about tools; no server is reached" },
  },
  examples: ["matrix-agents tools", "matrix-agents tools files", "matrix-agents tools forget all llama files"],
  async run({ config, json: isJson, decisions: isAboutRooms }, args) {
    const [verb, ...selected] = args;
    if (verb === "forget" && selected.length > 0) {
      if (isJson || isAboutRooms) throw new UsageError("tools forget takes no options");
      return (await import("../room-grants.ts")).forgetGrants(config, selected);
    }
    if (verb === "sign-out" && selected.length > 0) {
      if (isJson || isAboutRooms) throw new UsageError("tools sign-out takes no options");
      return (await import("../person-sign-ins.ts")).signPeopleOut(config, selected);
    }
    if (isAboutRooms) {
      if (verb !== undefined) throw new UsageError("tools --decisions takes no arguments");
      return (await import("../room-grants.ts")).tellGrants(config, { isJson });
    }
    const guard = guardEgress();
    return (await import("../tell-tools.ts")).tellTools(config, args, { isJson }, guard);
  },
});
