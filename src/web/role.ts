import type { Actor } from "../audit/audit-entry.ts";
import type { Config } from "../config/config.ts";
import type { Permissions } from "../permissions/permissions.ts";
import { matchesGlob } from "../text/glob.ts";

/** The rights of a person on the page: to look, or also to decide. */
export type Role = "look" | "decide";

/** The parts that know the rights of Matrix users. */
export interface RoleRules {
  readonly settings: () => Pick<Config, "access" | "web">;
  readonly permissions: Pick<Permissions, "allows">;
  readonly botUserId: string;
}

/** The rights that the present configuration gives a Matrix user; undefined: none. */
export function roleOfUser(userId: string, { settings, permissions, botUserId }: RoleRules): Role | undefined {
  if (permissions.allows({ act: "administer", userId, ghost: botUserId })) return "decide";
  const { access, web } = settings();
  if (access.ignore.some((glob) => matchesGlob(glob, userId))) return undefined;
  return web?.viewers.some((glob) => matchesGlob(glob, userId)) === true ? "look" : undefined;
}

/**
 * The present rights of somebody who was let in: a user of the machine has those of the link, and a Matrix user those that both
 * the link and the configuration give.
 */
export function roleNow(actor: Actor, given: Role, rules: RoleRules): Role | undefined {
  if (!actor.startsWith("@")) return given;
  const now = roleOfUser(actor, rules);
  return now === "decide" ? given : now;
}
