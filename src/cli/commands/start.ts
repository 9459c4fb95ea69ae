import { READER_PROGRAM } from "../../documents/reader-program.ts";
import { guardEgress } from "../../egress/guard.ts";
import { defineCommand } from "../command.ts";
import { endWithoutHelpers } from "../process-end.ts";

// This file imports nothing that can open a connection. Modules loaded after the guard can reach nothing until the
// configuration allows it.
export const command = defineCommand({
  summary: "run the application service",
  options: {
    "insecure-permissions": {
      type: "boolean",
      meaning: "start even though other users of this machine can read or change secrets",
    },
  },
  async run({ config, "insecure-permissions": isInsecure }) {
    endWithoutHelpers();
    const guard = guardEgress(READER_PROGRAM);
    return (await import("../run-bridge.ts")).runBridge(config, { isInsecure }, guard);
  },
});
