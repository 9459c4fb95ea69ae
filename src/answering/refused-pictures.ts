/** The most pictures known at once; the oldest are forgotten, and tried again. */
const MOST_KNOWN = 1_000;

/**
 * Pictures of earlier messages because of which a model's server refused a prompt: they are not sent to that model
 * again.
 */
export class RefusedPictures {
  readonly #known = new Set<string>();

  has(model: string, { eventId }: { readonly eventId: string }): boolean {
    return this.#known.has(`${model} ${eventId}`);
  }

  add(model: string, { eventId }: { readonly eventId: string }): void {
    this.#known.add(`${model} ${eventId}`);
    const [oldest] = this.#known;
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}
