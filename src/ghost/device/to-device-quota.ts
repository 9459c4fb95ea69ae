import { serverOf } from "../../matrix/server-name.ts";

/** How somebody who sends to an agent's device stands to the agent. */
export type Standing =
  /** They may use it, if only in some rooms. */
  | "user"
  /** They may not, and are in a room with it: what it says there they are to be able to read. */
  | "neighbour"
  /** Neither. */
  | "stranger";

/** How many to-device messages of one sender an agent takes in an hour; of all of a foreign server ten times as many. */
export const MOST_AN_HOUR: Readonly<Record<Standing, number>> = { user: 1_000, neighbour: 200, stranger: 100 };
const SENDERS_OF_A_SERVER = 10;

const HOUR_MS = 3_600_000;

/**
 * Decides which to-device messages an agent's device takes. What the engine is given it keeps: a row for each room key, for
 * each word that a key is withheld, and for each Olm message. An honest client sends some in a day.
 *
 * Counts in memory, by the hour: at the most one entry for each message that was taken.
 */
export class ToDeviceQuota {
  readonly #own: string;
  readonly #taken = new Map<string, number>();
  #since = -Infinity;

  /** @param ownUserId the agent's: what its own devices send is always taken, and its server is nobody's alone. */
  constructor(ownUserId: string) {
    this.#own = ownUserId;
  }

  /**
   * Counts a message, unless it is one too many or one of which nothing can come: of strangers verifications are taken, for
   * they are told that they may not, and nothing else.
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
