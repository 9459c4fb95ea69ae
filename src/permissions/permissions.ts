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
  /** User id of the agent, or of the bridge's own bot. */
  readonly ghost: string;
}

/** A refusal, for {@link PermissionsOptions.refused}. */
export interface Refused extends GhostRequest {
  readonly reason: Refusal;
}

/** The entry of a refusal in the audit log; undefined where nobody is named, or where the caller writes it down. */
export function auditOfRefusal({ act, userId: by, ghost, roomId: room, reason }: Refused): AuditEntry | undefined {
  if (by === undefined || act === "administer" || act === "query" || act === "overheard" || act === "moderate") {
    return undefined;
  }
  return { kind: "refused", what: act, by, ghost, room, reason };
}

/** What the admin has set about who may do what. */
export interface PermissionSettings {
  readonly access: AccessConfig;
  readonly permissions: PermissionConfig;
}

export interface PermissionsOptions {
  /** Asked anew each time, so that a change counts at once. */
  readonly settings: () => PermissionSettings;
  readonly botUserId: string;
  readonly bans: () => Bans;
  /**
   * Is called with each refusal, except of things that nobody asked for (`overheard`) and that others may give
   * (`moderate`).
   */
  readonly refused?: (refused: Refused) => void;
}

/** The decision of permissions/decisions.ts by the present configuration and bans; every way in asks it. */
export class Permissions {
  readonly #options: PermissionsOptions;

  constructor(options: PermissionsOptions) {
    this.#options = options;
  }

  /** Whether somebody may do something with a ghost. */
  decide(request: GhostRequest): Decision {
    const decision = this.#decide(request);
    const isAsked = request.act !== "overheard" && request.act !== "moderate";
    if (!decision.allowed && isAsked) this.#options.refused?.({ ...request, reason: decision.reason });
    return decision;
  }

  /** The same, where nobody has asked for it yet: refusals are reported to nobody. */
  allows(request: GhostRequest): boolean {
    return this.#decide(request).allowed;
  }

  /** The people who may change a setting of a room. */
  settersOf(setting: string): SettingUsers {
    const { commands } = this.#options.settings().permissions;
    return (Object.hasOwn(commands, setting) ? commands[setting] : undefined) ?? "moderators";
  }

  /** Whether there can be a room in which somebody may have something of a ghost; nobody is told of a refusal. */
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

  /** Whether a room is a ban list: the bot is in it to read it, and for nothing else. */
  isBanList(roomId: string): boolean {
    return this.#options.settings().permissions.banLists.includes(roomId);
  }

  /** How many may have joined a room; undefined: as many as there are. */
  get maxRoomMembers(): number | undefined {
    return this.#options.settings().permissions.maxRoomMembers;
  }
}

/** An agent's name is in its user id, whether it is there now or not. */
function agentName(userId: string): string {
  return userId.slice(1, userId.indexOf(":")).replace(AGENT_PREFIX, "");
}
