import type { AuditEntry } from "../audit/audit-entry.ts";
import type { AccessConfig, PermissionConfig, SettingUsers } from "../config/config.ts";
import { AGENT_PREFIX } from "../config/registration.ts";
import type { Bans } from "./bans.ts";
import {
  allowedSomewhere,
  decide,
  type Decision,
  type PermissionPolicy,
  type PermissionRequest,
  type Refusal,
} from "./decisions.ts";

/** A question about a ghost. */
export interface GhostRequest extends Omit<PermissionRequest, "agent"> {
  /** The user id of the agent, or of the bridge's own bot. */
  readonly ghost: string;
}

/** A refusal, for {@link PermissionsOptions.refused}. */
export interface Refused extends GhostRequest {
  readonly reason: Refusal;
}

/** A refusal's entry in the audit log; undefined where nobody is named, or where the caller records it. */
export function auditOfRefusal({ act, userId: by, ghost, roomId: room, reason }: Refused): AuditEntry | undefined {
  if (by === undefined || act === "administer" || act === "query" || act === "overheard" || act === "moderate") {
    return undefined;
  }
  return { kind: "refused", what: act, by, ghost, room, reason };
}

/** The admin's settings for permissions. */
export interface PermissionSettings {
  readonly access: AccessConfig;
  readonly permissions: PermissionConfig;
}

export interface PermissionsOptions {
  /** Read anew each time, so that a change applies at once. */
  readonly settings: () => PermissionSettings;
  readonly botUserId: string;
  readonly bans: () => Bans;
  /**
   * Called with each refusal, except of acts that nobody asked for (`overheard`) or that others may permit
   * (`moderate`).
   */
  readonly refused?: (refused: Refused) => void;
}

/** The decision of permissions/decisions.ts by the present configuration and bans; every entry point asks it. */
export class Permissions {
  readonly #options: PermissionsOptions;

  constructor(options: PermissionsOptions) {
    this.#options = options;
  }

  /** Whether a user may do something with a ghost. */
  decide(request: GhostRequest): Decision {
    const decision = this.#decide(request);
    const isAsked = request.act !== "overheard" && request.act !== "moderate";
    if (!decision.allowed && isAsked) this.#options.refused?.({ ...request, reason: decision.reason });
    return decision;
  }

  /** The same for something that nobody has asked for yet: refusals are not reported. */
  allows(request: GhostRequest): boolean {
    return this.#decide(request).allowed;
  }

  /** The people who may change a setting of a room. */
  settersOf(setting: string): SettingUsers {
    return settersOf(this.#options.settings().permissions, setting);
  }

  /** Whether a user might be allowed something of a ghost in some room; refusals are not reported. */
  allowsSomewhere({ ghost, ...request }: Omit<GhostRequest, "roomId">): boolean {
    return allowedSomewhere(this.#policy(), { ...request, agent: this.#agent(ghost) });
  }

  #decide({ ghost, ...request }: GhostRequest): Decision {
    return decide(this.#policy(), { ...request, agent: this.#agent(ghost) });
  }

  #policy(): PermissionPolicy {
    const { settings, bans } = this.#options;
    const { access, permissions } = settings();
    return { access, permissions, bans: bans() };
  }

  /** Undefined for the bridge's own bot. */
  #agent(ghost: string): string | undefined {
    return ghost === this.#options.botUserId ? undefined : agentName(ghost);
  }

  /** Whether a room is a ban list, which the bot only reads. */
  isBanList(roomId: string): boolean {
    return this.#options.settings().permissions.banLists.includes(roomId);
  }

  /** The most joined members of a room; undefined: any number. */
  get maxRoomMembers(): number | undefined {
    return this.#options.settings().permissions.maxRoomMembers;
  }
}

/** The agent's name from its user id, whether or not the agent exists now. */
function agentName(userId: string): string {
  return userId.slice(1, userId.indexOf(":")).replace(AGENT_PREFIX, "");
}

/** The people who may change a setting of a room. */
export function settersOf({ commands }: Pick<PermissionConfig, "commands">, setting: string): SettingUsers {
  return (Object.hasOwn(commands, setting) ? commands[setting] : undefined) ?? "moderators";
}
