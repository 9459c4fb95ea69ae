import { profileName, type Agent } from "../ghost/agents.ts";
import type { GhostHandle, GhostMessage } from "../ghost/listener.ts";
import type { Addressee } from "./addressing.ts";

/** The ghost as the one who may be meant by a message. */
export function addresseeOf(
  ghost: GhostHandle,
  agent: Agent | undefined,
  message: GhostMessage,
  place: Pick<Addressee, "respond" | "inThread">,
): Addressee {
  return { userId: ghost.userId, names: namesOf(ghost.userId, agent), direct: message.direct, ...place };
}

/** What people may call an agent by. */
export function namesOf(userId: string, agent: Agent | undefined): string[] {
  const localpart = userId.slice(1).split(":")[0] ?? "";
  return [userId, localpart, ...(agent === undefined ? [] : [agent.displayName, agent.name, profileName(agent)])];
}
