import type { Permissions } from "../permissions/permissions.ts";
import type { DecidedTool } from "../tools/tool-access.ts";
import { mayDecide } from "../tools/tool-policy.ts";
import type { AskedPerson, OpenCall } from "../turns/turn-step.ts";
import type { Turn } from "../turns/turn.ts";

/** A user's place in a room, as the homeserver says now. */
export interface Standing {
  readonly isJoined: boolean;
  /** By the room's own power levels. */
  readonly isModerator: boolean;
}

/** Reads a user's place in a room. Throws HomeserverError. */
export type StandingOf = (roomId: string, userId: string) => Promise<Standing>;

/** Whether people have agreed to a call. */
export type Agreement =
  | "unneeded"
  | "given"
  | "missing"
  /** They have agreed to something else: the rules, or the place where the words go, were other ones. */
  | "outdated"
  /** The person who agreed could not do so now. */
  | "lapsed";

/** Finds out whether people have agreed to a call that is about to be made. */
export class ToolAgreements {
  readonly #permissions: Pick<Permissions, "allows">;
  readonly #standingOf: StandingOf;

  constructor(options: { readonly permissions: Pick<Permissions, "allows">; readonly standingOf: StandingOf }) {
    this.#permissions = options.permissions;
    this.#standingOf = options.standingOf;
  }

  /**
   * A yes is no right for ever: it may wait for other calls, or for the bridge. A call whose end is not known needs one
   * in any case. Throws HomeserverError.
   */
  async about(
    turn: Turn,
    { call, decidedBy }: OpenCall,
    { decision, rules, host }: Pick<DecidedTool, "decision" | "rules" | "host">,
  ): Promise<Agreement> {
    const answersTo = call.input?.goesTo;
    if (answersTo !== undefined && isElsewhere(answersTo, { host, rules })) return "outdated";
    const needsNone = decision.may === "call" && call.isLost !== true;
    if (decidedBy === undefined) return needsNone ? "unneeded" : "missing";
    const { asked } = call;
    const deciders = decision.may === "ask" ? decision.deciders : "asker";
    if (deciders === "moderators" && asked?.deciders === "asker") return "outdated";
    if (asked?.goesTo !== undefined && isElsewhere(asked.goesTo, { host, rules })) return "outdated";
    const who = { userId: decidedBy, ghost: turn.ghost, roomId: turn.roomId };
    const { isJoined, isModerator } = await this.#standingOf(turn.roomId, decidedBy);
    if (!isJoined || !this.#permissions.allows({ act: "command", ...who })) return "lapsed";
    const decider = {
      userId: decidedBy,
      isAsker: decidedBy === turn.asker,
      isModerator: isModerator || this.#permissions.allows({ act: "moderate", ...who }),
    };
    return mayDecide(rules, { deciders }, decider) ? "given" : "lapsed";
  }
}

/** Whether a server is not where people were told. */
function isElsewhere(
  told: NonNullable<AskedPerson["goesTo"]>,
  { host, rules }: Pick<DecidedTool, "host" | "rules">,
): boolean {
  return told.host !== host || told.to !== rules.locality;
}
