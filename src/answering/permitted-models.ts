import { agentNameOf, localpartOf, type ListedAgent } from "../agents/agents.ts";
import type { Act } from "../permissions/decisions.ts";
import type { Permissions } from "../permissions/permissions.ts";

/** The person who wants something answered, and the room. */
export interface AskingPerson {
  readonly userId: string;
  readonly roomId: string;
  /** The agent that is asked. */
  readonly ghost: string;
}

/** The facts that decide which models a person can use through an agent. */
export interface PermittedModelsOptions {
  /** All present agents. */
  readonly agents: () => readonly ListedAgent[];
  readonly permissions: Pick<Permissions, "allows" | "decide">;
}

/**
 * Whether a person may have a model answer that is not the asked agent's own: only if they may use at least one of the
 * agents that have it. A model without an agent is judged by the name that its agent would have, so that patterns
 * (`gpt-*`) apply to it too.
 */
export function mayHaveModel(
  { agents, permissions }: PermittedModelsOptions,
  who: AskingPerson,
  wanted: { readonly provider: string; readonly model: string },
): boolean {
  const { userId, roomId } = who;
  return ownersOf(agents(), who.ghost, wanted).some((ghost) =>
    permissions.allows({ act: "message", userId, ghost, roomId }),
  );
}

/** Records that a person wanted a model that they may not use, like any other refusal. */
export function noteRefusedModel(
  { agents, permissions }: PermittedModelsOptions,
  who: AskingPerson,
  wanted: { readonly provider: string; readonly model: string },
  act: Act,
): void {
  const [ghost = who.ghost] = ownersOf(agents(), who.ghost, wanted);
  permissions.decide({ act, userId: who.userId, ghost, roomId: who.roomId });
}

/** The ghosts of the agents that have a model: at least one. */
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

/** Providers accept names in another case, and without Ollama's `:latest`. */
function plainName(model: string): string {
  return model.toLowerCase().replace(/:latest$/, "");
}
