import type { Agent } from "../ghost/agents.ts";
import type { GhostHandle, GhostMessage } from "../ghost/listener.ts";
import type { Addressee } from "./addressing.ts";

/** The ghost as the one who may be meant by a message. */
export function addresseeOf(
  ghost: GhostHandle,
  agent: Agent | undefined,
  message: GhostMessage,
  place: Pick<Addressee, "respond" | "inThread">,
): Addressee {
  const localpart = ghost.userId.slice(1).split(":")[0] ?? "";
  const names = [ghost.userId, localpart, ...(agent === undefined ? [] : [agent.displayName, agent.name])];
  return { userId: ghost.userId, names, direct: message.direct, ...place };
}
