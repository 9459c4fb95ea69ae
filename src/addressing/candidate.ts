import { callNames, type Agent } from "../agents/agents.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { GhostMessage } from "../ghost/received.ts";
import type { Candidate } from "./addressing.ts";
import { userLocalpart } from "./call.ts";

/** The ghost as a candidate for a message. */
export function candidateOf(
  ghost: GhostHandle,
  agent: Agent | undefined,
  message: GhostMessage,
  here: Pick<Candidate, "respond" | "inThread" | "others">,
): Candidate {
  const cloud = agent?.locality === "cloud";
  return { userId: ghost.userId, names: namesOf(ghost.userId, agent), direct: message.direct, cloud, ...here };
}

/** The names by which people may call an agent. */
export function namesOf(userId: string, agent: Agent | undefined): string[] {
  const localpart = userLocalpart(userId);
  return [userId, userId.slice(1), localpart, ...(agent === undefined ? [] : callNames(agent))];
}

/** An agent's name for people; its user id where its model is gone. */
export function shownName(agent: Pick<Agent, "displayName"> | undefined, userId: string): string {
  return agent?.displayName ?? userLocalpart(userId);
}
