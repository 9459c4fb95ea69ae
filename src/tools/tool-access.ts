import type { Destination, PrivacyGate } from "../privacy/gate.ts";
import type { TurnStep } from "../turns/turn-step.ts";
import { hasMore, READ_MORE } from "./read-more.ts";
import { countedGrant, type ToolGrant, type ToolGrants } from "./tool-grants.ts";
import { decideCall, type ToolDecision } from "./tool-policy.ts";
import type { ToolServers } from "./tool-servers.ts";
import { PROMPT_TOOL } from "./server-prompt.ts";
import type { Behalf, ServedPrompts, ServedTool } from "./tool-source.ts";

/** The user of tools: an agent in a room, for a person. */
export interface ToolUser {
  readonly ghost: string;
  readonly roomId: string;
  /** The person behind the question. */
  readonly asker: string;
  /** Whether another agent asks, on that person's behalf. */
  readonly isFromAgent: boolean;
  /** Whether that person asks now, by words of her own that came encrypted. */
  readonly isAuthentic: boolean;
  /** The agent's name. */
  readonly agent: string;
  /** The place of the model that reads the results. */
  readonly model: Pick<Destination, "locality">;
  /** Whether anything of the conversation came encrypted. */
  readonly encrypted: boolean;
  /** The steps so far. */
  readonly steps: readonly TurnStep[];
  /** Whether words of a server, by its prompt, are in the conversation: they may ask for a call as a result may. */
  readonly holdsPrompt: boolean;
}

/**
 * Whose rights a user may use: those of the person who asks. Another agent has none of hers, and neither has whoever only seems
 * to be her: a homeserver can invent what comes unencrypted, and that somebody repeats or edits a question.
 */
export function behalfOf({
  asker,
  isFromAgent,
  isAuthentic,
}: Pick<ToolUser, "asker" | "isFromAgent" | "isAuthentic">): Behalf {
  return isFromAgent || !isAuthentic ? undefined : asker;
}

/** A tool, and whether it may be used. */
export interface DecidedTool extends ServedTool {
  readonly decision: ToolDecision;
  /** The room's decision about it, if there is one, even if it counts no more. */
  readonly grant: ToolGrant | undefined;
}

/** A server with its prompts, and whether they may be used. */
export interface DecidedPrompts extends ServedPrompts {
  readonly decision: ToolDecision;
}

/** Whether a user could decide now that an agent may use a tool for good. Throws HomeserverError. */
export type MayGrant = (ghost: string, roomId: string, userId: string) => Promise<boolean>;

/** Decides which tools may be used. */
export class ToolAccess {
  readonly #servers: ToolServers;
  readonly #privacy: PrivacyGate;
  readonly #grants: Pick<ToolGrants, "of">;
  readonly #isEncrypted: (roomId: string) => Promise<boolean>;
  readonly #mayGrant: MayGrant;

  constructor(options: {
    readonly servers: ToolServers;
    readonly privacy: PrivacyGate;
    readonly grants: Pick<ToolGrants, "of">;
    readonly isEncrypted: (roomId: string) => Promise<boolean>;
    readonly mayGrant: MayGrant;
  }) {
    this.#servers = options.servers;
    this.#privacy = options.privacy;
    this.#grants = options.grants;
    this.#isEncrypted = options.isEncrypted;
    this.#mayGrant = options.mayGrant;
  }

  /** All tools of the servers that can be reached now, each with the decision about it. Throws HomeserverError. */
  async of(user: ToolUser): Promise<readonly DecidedTool[]> {
    const { ghost, roomId, encrypted } = user;
    const all = await this.#servers.tools(behalfOf(user));
    const served = hasMore(user.steps) ? [...all, READ_MORE] : all;
    if (served.length === 0) return [];
    const grants = await this.#grants.of(ghost, roomId);
    const isEncrypted = encrypted || (grants.length > 0 && (await this.#isEncrypted(roomId)));
    const givers = await this.#giversOf(ghost, roomId, grants);
    const isTainted = user.holdsPrompt || hasResultFromOutside(user.steps, served);
    const decided: DecidedTool[] = [];
    for (const tool of served) {
      const { known, rules } = tool;
      const grant = grants.find((one) => one.server === tool.server && one.tool === known.name);
      const decision = decideCall(rules, {
        tool: known.name,
        hints: known.hints,
        agent: user.agent,
        roomId,
        userId: user.asker,
        isFromAgent: user.isFromAgent,
        model: user.model.locality,
        gate: await this.#privacy.check({ ghost, roomId, encrypted }, destinationOfTool(tool)),
        grant: countedGrant(grant, {
          definition: known.hash,
          isEncrypted,
          mayStillGrant: grant !== undefined && givers.has(grant.by),
        }),
        isTainted,
      });
      decided.push({ ...tool, decision, grant });
    }
    return decided;
  }

  /** The prompts of all servers that can be reached now, with the decision about those of each. */
  async prompts(user: Omit<ToolUser, "steps" | "holdsPrompt">): Promise<readonly DecidedPrompts[]> {
    const { ghost, roomId, encrypted } = user;
    const decided: DecidedPrompts[] = [];
    for (const one of await this.#servers.prompts(behalfOf(user))) {
      const decision = decideCall(one.rules, {
        tool: PROMPT_TOOL.name,
        hints: PROMPT_TOOL.hints,
        agent: user.agent,
        roomId,
        userId: user.asker,
        isFromAgent: user.isFromAgent,
        model: user.model.locality,
        gate: await this.#privacy.check({ ghost, roomId, encrypted }, destinationOfTool(one)),
        grant: undefined,
        isTainted: false,
      });
      decided.push({ ...one, decision });
    }
    return decided;
  }

  /** The people who have allowed something, and still could. */
  async #giversOf(ghost: string, roomId: string, grants: readonly ToolGrant[]): Promise<ReadonlySet<string>> {
    const all = new Set(grants.filter(({ decision }) => decision === "allowed").map(({ by }) => by));
    const fit = new Set<string>();
    for (const by of all) if (await this.#mayGrant(ghost, roomId, by)) fit.add(by);
    return fit;
  }
}

/** The recipient of a call's arguments, for the gate. A tool server's name may be a provider's too. */
export function destinationOfTool({ server, host, rules }: Pick<ServedTool, "server" | "host" | "rules">): Destination {
  return { provider: `tools.${server}`, host, locality: rules.locality, isSure: true };
}

/** Whether a result from outside the network is among the steps. */
function hasResultFromOutside(steps: readonly TurnStep[], served: readonly ServedTool[]): boolean {
  return steps.some((step) => {
    if (step.state !== "done" || step.call.tool === undefined) return false;
    const { server, name } = step.call.tool;
    const tool = served.find((one) => one.server === server && one.known.name === name);
    return tool === undefined || tool.rules.locality === "cloud" || tool.known.hints.isOpenWorld;
  });
}
