import { createHash } from "node:crypto";
import type { OwnToolsConfig, ToolRules } from "../../config/config.ts";
import { readTools, type KnownTool } from "../tool-definition.ts";
import { ToolFailure } from "../tool-failure.ts";
import { boundedResult, type ToolResult } from "../tool-result.ts";
import type { CallContext, ServedTool, ToolSource } from "../tool-source.ts";
import type { OwnTool } from "./own-tool.ts";

/**
 * The bridge's own tools, as an entry of the configuration turns them on. They pass the same decisions and bounds as those
 * of servers.
 */
export class OwnTools implements ToolSource {
  readonly name: string;
  readonly config: OwnToolsConfig;
  readonly #tools: ReadonlyMap<string, { readonly tool: OwnTool; readonly known: KnownTool }>;

  /** @param all the tools that there are; those that the configuration does not name are left out. */
  constructor(name: string, config: OwnToolsConfig, all: readonly OwnTool[]) {
    this.name = name;
    this.config = config;
    const { tools } = readTools(all.map(({ definition }) => definition));
    this.#tools = new Map(
      all.flatMap((tool) => {
        const known = tools.find((one) => one.name === tool.definition.name);
        return known !== undefined && config.tools.has(known.name) ? [[known.name, { tool, known }] as const] : [];
      }),
    );
  }

  served(): Promise<readonly ServedTool[]> {
    return Promise.resolve([...this.#tools.values()].map(({ known }) => this.#served(known)));
  }

  reach(): Promise<void> {
    return Promise.resolve();
  }

  async call(
    name: string,
    given: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    context: CallContext,
  ): Promise<ToolResult> {
    const { tool } = this.#tools.get(name) ?? {};
    if (tool === undefined) throw new ToolFailure("refused", "it is not turned on");
    const { callTimeoutMs: ms } = this.config;
    const timeout = AbortSignal.timeout(ms);
    try {
      const call = { ...context, given, signal: AbortSignal.any([signal, timeout]) };
      return boundedResult(await tool.run(call));
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted)
        throw new ToolFailure("timeout", `no result within ${ms} ms`, { cause: error, mayBeDone: true });
      throw error;
    }
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  #served(known: KnownTool): ServedTool {
    const { name: server, config } = this;
    if (known.hints.isOpenWorld) return { server, host: hostsOf(config), rules: config, known };
    return { server, host: `tools.${server}`, rules: { ...config, ...INSIDE }, known };
  }
}

/** A tool that tells nobody anything, and a model nothing that must not go to it: its messages passed the gate already. */
const INSIDE: Pick<ToolRules, "locality" | "cloudModels"> = { locality: "local", cloudModels: true };

/** The longest list of hosts that people are told of, in characters. */
const LONGEST_HOSTS = 200;

/** The hosts, as people agree to them. A longer list is cut, with a sign of the whole: more hosts are another agreement. */
function hostsOf({ hosts }: OwnToolsConfig): string {
  const all = hosts.join(", ");
  if (all.length <= LONGEST_HOSTS) return all;
  let shown = 0;
  while (hosts.slice(0, shown + 1).join(", ").length <= LONGEST_HOSTS) shown++;
  const sign = createHash("sha256").update(all).digest("hex").slice(0, 6);
  return `${hosts.slice(0, shown).join(", ")} (+${hosts.length - shown}, ${sign})`;
}
