import type { ListedAgent } from "../agents/agents.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { RoomDefaults, RoomSettings } from "../rooms/settings.ts";
import type { Discussion, Exchanges } from "../turns/exchanges.ts";
import type { Turn } from "../turns/turn.ts";
import { markOf, toAsker } from "./answer-messages.ts";
import { callsIn, nextSpeaker } from "./exchange.ts";
import type { Address, ReplyTarget } from "./reply.ts";

/** The other agents that have to do with a turn. */
export interface Company {
  /** Agents that may be asked for help. */
  readonly helpers: readonly ListedAgent[];
  readonly discussion: Discussion | undefined;
  /** The user id of the agent whose turn it is next in the discussion. */
  readonly next: string | undefined;
}

export const ALONE: Company = { helpers: [], discussion: undefined, next: undefined };

/** Finds which other agents have to do with a turn. */
export class Companies {
  readonly #exchanges: Pick<Exchanges, "get">;
  readonly #permissions: Pick<Permissions, "allows">;
  readonly #agentsIn: (roomId: string) => Promise<readonly ListedAgent[]>;
  readonly #maxHops: () => number;
  readonly #defaults: () => Pick<RoomDefaults, "delegate">;

  /** @param options.maxHops over how many agents a question may go; asked anew each time, as are the defaults. */
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

  /** @param set what the room has set. */
  async of(turn: Turn, set: RoomSettings): Promise<Company> {
    const exchange = await this.#exchanges.get(turn);
    if (exchange === undefined) return ALONE;
    const { asker, roomId } = turn;
    // An agent that the asker may not use is asked by nobody on the asker's account.
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
 * Whom an answer mentions: the asker, and the agents that it asks. No other person is mentioned, whoever is named in it: a question
 * that has names in it would make an agent ring for all of them.
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
  // Agents are asked by a line of their own, and only where they may be.
  const asks = callsIn(text, helpers).map(({ userId }) => userId);
  return { mentions: [turn.asker], asks, mark };
}
