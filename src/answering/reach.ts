import { agentNameOf, localpartOf, type ListedAgent } from "../agents/agents.ts";
import type { Act } from "../permissions/decisions.ts";
import type { Permissions } from "../permissions/permissions.ts";

/** Who wants what to answer, and where. */
export interface Reaching {
  readonly userId: string;
  readonly roomId: string;
  /** The agent that is asked. */
  readonly ghost: string;
}

/** What decides what somebody can reach through an agent. */
export interface ReachOptions {
  /** All agents there are. */
  readonly agents: () => readonly ListedAgent[];
  readonly permissions: Pick<Permissions, "allows" | "decide">;
}

/**
 * Whether somebody may have a model answer that is not the asked agent's own: no more than they may use the agents that it
 * belongs to, one of them at least. A model that belongs to none is decided by the name that its agent would have, so that
 * patterns (`gpt-*`) hold for it, too.
 */
export function mayHaveModel(
  { agents, permissions }: ReachOptions,
  who: Reaching,
  wanted: { readonly provider: string; readonly model: string },
): boolean {
  const { userId, roomId } = who;
  return ownersOf(agents(), who.ghost, wanted).some((ghost) =>
    permissions.allows({ act: "message", userId, ghost, roomId }),
  );
}

/** Notes, as for any other thing that is refused, that somebody wanted a model that they may not have. */
export function noteRefusedModel(
  { agents, permissions }: ReachOptions,
  who: Reaching,
  wanted: { readonly provider: string; readonly model: string },
  act: Act,
): void {
  const [ghost = who.ghost] = ownersOf(agents(), who.ghost, wanted);
  permissions.decide({ act, userId: who.userId, ghost, roomId: who.roomId });
}

/** The ghosts of the agents that a model belongs to: one at least. */
function ownersOf(
  agents: readonly ListedAgent[],
  asked: string,
  { provider, model }: { readonly provider: string; readonly model: string },
): string[] {
  const name = plainName(model);
  const owners = agents
    .filter(({ agent }) => agent.provider === provider && plainName(agent.model ?? "") === name)
    .map(({ userId }) => userId);
  return owners.length > 0 ? owners : [userIdOn(asked, localpartOf(agentNameOf(model)))];
}

/** The user id of an agent, by another one's. */
export function userIdOn(ghost: string, localpart: string): string {
  return `@${localpart}${ghost.slice(ghost.indexOf(":"))}`;
}

/** Providers find models by names in another case, and without Ollama's `:latest`. */
function plainName(model: string): string {
  return model.toLowerCase().replace(/:latest$/, "");
}
