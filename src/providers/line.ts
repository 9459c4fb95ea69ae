/** A request's place in a server's queue. */
export interface PlaceInLine {
  /** Called when data has come for it. */
  sign(): void;
  /**
   * The last time that data came for an earlier request, or that one left; by `performance.now()`, -Infinity for never.
   */
  readonly lastSignBefore: number;
  /** Called when it has ended in any way. */
  leave(): void;
}

/**
 * The requests at one server, in order of arrival. A server that runs one at a time is silent to the others meanwhile.
 * While data comes for earlier requests, a request waits for its turn, and its first-token limit does not run.
 */
export class Line {
  readonly #places = new Set<{ lastSignBefore: number }>();

  enter(): PlaceInLine {
    const place = {
      lastSignBefore: -Infinity,
      sign: (): void => this.#tellThoseBehind(place),
      leave: (): void => {
        this.#tellThoseBehind(place);
        this.#places.delete(place);
      },
    };
    this.#places.add(place);
    return place;
  }

  #tellThoseBehind(place: object): void {
    let isBehind = false;
    for (const other of this.#places) {
      if (isBehind) other.lastSignBefore = performance.now();
      isBehind ||= other === place;
    }
  }
}
