/** The most ids that are remembered. */
const REMEMBERED = 32;

/**
 * The ids of pings that reached us recently. Another bridge answered a successful ping that is not among them: it has
 * the registration's address.
 */
export class RecentPings {
  readonly #ids: string[] = [];

  note(transactionId: string): void {
    this.#ids.push(transactionId.slice(0, 100));
    if (this.#ids.length > REMEMBERED) this.#ids.shift();
  }

  list(): readonly string[] {
    return this.#ids;
  }

  has(transactionId: string): boolean {
    return this.#ids.includes(transactionId);
  }
}
