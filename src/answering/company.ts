import type { ListedAgent } from "../agents/agents.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { RoomDefaults, RoomSettings } from "../rooms/settings.ts";
import type { Discussion, Exchanges } from "../turns/exchanges.ts";
import type { Turn } from "../turns/turn.ts";
import { markOf, toAsker } from "./answer-messages.ts";
import { callsIn, nextSpeaker } from "./exchange.ts";
import type { Address, ReplyTarget } from "./reply.ts";

/** The other agents involved in a turn. */
export interface Company {
  /** Agents that may be asked for help. */
  readonly helpers: readonly ListedAgent[];
  readonly discussion: Discussion | undefined;
  /** The user id of the next agent in the discussion. */
  readonly next: string | undefined;
}

export const ALONE: Company = { helpers: [], discussion: undefined, next: undefined };

/** Finds the other agents involved in a turn. */
export class Companies {
  readonly #exchanges: Pick<Exchanges, "get">;
  readonly #permissions: Pick<Permissions, "allows">;
  readonly #agentsIn: (roomId: string) => Promise<readonly ListedAgent[]>;
  readonly #maxHops: () => number;
  readonly #defaults: () => Pick<RoomDefaults, "delegate">;

  /**
   * @param options.maxHops the most agents through which a question may pass; read anew each time, like the defaults.
   */
  constructor(options: {
    readonly exchanges: Pick<Exchanges, "get">;
    readonly permissions: Pick<Permissions, "allows">;
    readonly agentsIn: (roomId: string) => Promise<readonly ListedAgent[]>;
    readonly maxHops: () => number;
    readonly defaults: () => Pick<RoomDefaults, "delegate">;
  }) {
    this.#exchanges = options.exchanges;
    this.#permissions = options.permissions;
    this.#agentsIn = options.agentsIn;
    this.#maxHops = options.maxHops;
    this.#defaults = options.defaults;
  }

  /** @param set the room's settings. */
  async of(turn: Turn, set: RoomSettings): Promise<Company> {
    const exchange = await this.#exchanges.get(turn);
    if (exchange === undefined) return ALONE;
    const { asker, roomId } = turn;
    // The asker's rights count: an agent that the asker may not use is not asked on the asker's behalf.
    const others = (await this.#agentsIn(roomId)).filter(
      ({ userId }) =>
        userId !== turn.ghost && this.#permissions.allows({ act: "message", userId: asker, ghost: userId, roomId }),
    );
    const { discussion } = exchange;
    if (discussion !== undefined) {
      const isThere = (userId: string): boolean => others.some((other) => other.userId === userId);
      const isLast = turn.hops + 1 >= discussion.length;
      const next = isLast ? undefined : nextSpeaker(discussion.participants, turn.ghost, isThere);
      return { helpers: [], discussion, next };
    }
    const { delegate = this.#defaults().delegate } = set;
    return delegate === "on" && turn.hops < this.#maxHops() ? { ...ALONE, helpers: others } : ALONE;
  }
}

/**
 * The users that an answer mentions: the asker, and the agents that it asks. No other person named in it is mentioned:
 * otherwise a question full of names would make the agent notify all of them.
 */
export function addressOf(
  turn: Turn,
  target: ReplyTarget,
  text: string,
  { helpers, next, discussion }: Company,
): Address {
  if (target.follows === true) return toAsker(turn, true);
  const mark = markOf(turn);
  if (discussion !== undefined && next !== undefined) return { mentions: [], asks: [next], mark };
  // A separate line asks agents, and only where they may be asked.
  const asks = callsIn(text, helpers).map(({ userId }) => userId);
  return { mentions: [turn.asker], asks, mark };
}
