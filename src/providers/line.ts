/** A request's place in the line at a server. */
export interface PlaceInLine {
  /** Something has come for it. */
  sign(): void;
  /** When something came last for one that was here before, or such a one left; by `performance.now()`, -Infinity for never. */
  readonly lastSignBefore: number;
  /** It is over, however it ended. */
  leave(): void;
}

/**
 * The requests at one server, in the order in which they came. A server that runs one at a time lets the others wait, and says
 * nothing meanwhile; as long as something comes for those before it, a request waits for its turn, and not for its first word.
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
