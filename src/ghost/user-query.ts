import type { AgentDirectory } from "../agents/agent-directory.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Ghosts } from "./ghosts.ts";

/** The parts that decide about a user that the homeserver asks for. */
export interface UserQueryOptions {
  readonly botUserId: string;
  readonly directory: Pick<AgentDirectory, "agentOf" | "refresh">;
  readonly permissions: Pick<Permissions, "decide">;
  readonly ghosts: Pick<Ghosts, "isGhost" | "of">;
}

/**
 * Answers the homeserver's query for a user (spec "GET /_matrix/app/v1/users/{userId}"): whether there is such an agent.
 * Its user is made if necessary. Throws HomeserverError or DatabaseError.
 */
export async function answerUserQuery(
  userId: string,
  { botUserId, directory, permissions, ghosts }: UserQueryOptions,
): Promise<boolean> {
  if (!ghosts.isGhost(userId)) await directory.refresh();
  if (userId !== botUserId && directory.agentOf(userId) === undefined) return false;
  if (!permissions.decide({ act: "query", userId: undefined, ghost: userId }).allowed) return false;
  await ghosts.of(userId).announce();
  return true;
}
