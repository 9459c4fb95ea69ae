import { serverOf } from "../../matrix/server-name.ts";

/** The relation of a sender to the agent whose device they write to. */
export type Standing =
  /** They may use it, at least in some rooms. */
  | "user"
  /** They may not use it, but share a room with it, and should be able to exchange keys for its messages. */
  | "neighbour"
  /** Neither. */
  | "stranger";

/** The to-device messages of one sender that an agent accepts in an hour; ten times as many from one foreign server. */
export const MOST_AN_HOUR: Readonly<Record<Standing, number>> = { user: 1_000, neighbour: 200, stranger: 100 };
const SENDERS_OF_A_SERVER = 10;

const HOUR_MS = 3_600_000;

/**
 * Decides which to-device messages an agent's device accepts. The engine stores everything it gets: a row for each room
 * key, each notice of a withheld key, and each Olm message. An honest client sends a few a day.
 *
 * The counts are in memory, by the hour: at most one entry for each accepted message.
 */
export class ToDeviceQuota {
  readonly #own: string;
  readonly #taken = new Map<string, number>();
  #since = -Infinity;

  /**
   * @param ownUserId the agent's user id: its own devices' messages are always accepted, and its server has no common
   * limit.
   */
  constructor(ownUserId: string) {
    this.#own = ownUserId;
  }

  /**
   * Counts a message, unless it exceeds the limit or is useless. Strangers may only ask for verifications, which are
   * answered with a refusal.
   *
   * @param nowMs of a clock that is never put back.
   */
  take(message: { readonly sender: string; readonly type: string }, standing: Standing, nowMs: number): boolean {
    const { sender, type } = message;
    if (sender === this.#own) return true;
    if (standing === "stranger" && !type.startsWith("m.key.verification.")) return false;
    if (nowMs - this.#since >= HOUR_MS) {
      this.#taken.clear();
      this.#since = nowMs;
    }
    const server = serverOf(sender);
    const most = MOST_AN_HOUR[standing];
    const counts: [string, number][] = [[sender, most]];
    if (server !== serverOf(this.#own)) counts.push([`${standing} ${server}`, most * SENDERS_OF_A_SERVER]);
    if (counts.some(([name, bound]) => this.#count(name) >= bound)) return false;
    for (const [name] of counts) this.#taken.set(name, this.#count(name) + 1);
    return true;
  }

  #count(name: string): number {
    return this.#taken.get(name) ?? 0;
  }
}
