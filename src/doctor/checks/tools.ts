import { existsSync } from "node:fs";
import type { ToolServerConfig } from "../../config/config.ts";
import { silentLogger } from "../../observability/log.ts";
import { currentUser, type SystemUser } from "../../observability/user-name.ts";
import { BUBBLEWRAP } from "../../tools/sandbox.ts";
import type { FaultyTool, KnownTool } from "../../tools/tool-definition.ts";
import { ToolFailure } from "../../tools/tool-failure.ts";
import { decideCall } from "../../tools/tool-policy.ts";
import { ToolServer } from "../../tools/tool-server.ts";
import { bad, good, unknown, type Check, type Finding } from "../check.ts";

/** The time for a server to start and to tell its tools, in ms. */
const LIST_MS = 30_000;

/** Whether each tool server works. It is started, or reached, and asked only for its list of tools. */
export const tools: Check = {
  name: "tools",
  async run({ config, user }) {
    if (config.tools.size === 0) return [good("config.yaml names none")];
    return Promise.all([...config.tools].map(([name, server]) => lookAt(name, server, user)));
  },
};

async function lookAt(name: string, config: ToolServerConfig, user: SystemUser | undefined): Promise<Finding> {
  if (config.type === "own") return good(`${name} has the bridge's own ${[...config.tools.keys()].join(", ")}`);
  if (config.type === "stdio") {
    // A program gets the rights of whoever starts it.
    if (user?.uid !== currentUser()?.uid)
      return unknown(`${name}: only ${user?.name ?? "the bridge's user"} can try this program`);
    if (config.sandbox === "bwrap" && !existsSync(BUBBLEWRAP))
      return bad(`${name}: its sandbox needs ${BUBBLEWRAP}`, "install it: apt install bubblewrap");
  }
  const server = new ToolServer(name, config, silentLogger());
  const signal = AbortSignal.timeout(LIST_MS);
  try {
    return judgeTools(name, config, await server.tools(signal));
  } catch (error) {
    if (!(error instanceof ToolFailure) && !signal.aborted) throw error;
    const reason = error instanceof ToolFailure ? error.message : `it tells no tools within ${LIST_MS / 1_000} s`;
    const mend =
      config.type === "stdio"
        ? `correct the command, args and folders of tools.${name}; it tells more when you start it by hand`
        : `start it, or correct the url and token of tools.${name}`;
    return bad(`${name} at ${server.host}: ${reason}`, mend);
  } finally {
    await server.stop();
  }
}

/** The finding about a server that told its tools. */
function judgeTools(
  name: string,
  rules: ToolServerConfig,
  { tools: all, faulty }: { readonly tools: readonly KnownTool[]; readonly faulty: readonly FaultyTool[] },
): Finding {
  const everywhere = { ...rules, agents: ["*"], rooms: ["*"], users: ["*"] };
  const offered = all.filter(({ name: tool, hints }) => {
    const somebody = { agent: "", roomId: "", userId: "", isFromAgent: false, grant: undefined, isTainted: false };
    return decideCall(everywhere, { tool, hints, ...somebody, model: "local", gate: "yes" }).may !== "refuse";
  });
  const more = faulty.length === 0 ? "" : `; ${faulty.length} more can't be used by models`;
  const answers = `${name} (${rules.locality}) answers`;
  if (offered.length > 0) return good(`${answers}, ${offered.length} of its ${all.length} tools are offered${more}`);
  return bad(
    `${answers}, but none of its tools (${all.length}) is offered: each is refused${more}`,
    `say which may be used in tools.${name}.tools: { NAME: ask }`,
  );
}
