/** The most ids that are remembered. */
const REMEMBERED = 32;

/**
 * The pings that reached us recently. Another bridge answered a successful ping that is not among them: it has the
 * registration's address.
 */
export class RecentPings {
  readonly #ids: string[] = [];
  #refused = 0;

  note(transactionId: string): void {
    this.#ids.push(transactionId.slice(0, 100));
    if (this.#ids.length > REMEMBERED) this.#ids.shift();
  }

  /** Notes a ping with another hs_token, which was refused before it was read. */
  noteRefused(): void {
    this.#refused += 1;
  }

  list(): readonly string[] {
    return this.#ids;
  }

  has(transactionId: string): boolean {
    return this.#ids.includes(transactionId);
  }

  /** The number of pings that were refused so far. */
  get refused(): number {
    return this.#refused;
  }
}
