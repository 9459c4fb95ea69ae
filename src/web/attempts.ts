import { isIPv6 } from "node:net";

/** The most failed attempts of one address within the window, in ms. Codes can't be guessed: this only keeps the noise down. */
const MOST = 10;
const WINDOW_MS = 60_000;

/** The most addresses that are remembered. A stranger with more begins again, and still locks nobody else out. */
const MOST_ADDRESSES = 10_000;

/** Counts failed attempts at signing in, by address, so that nobody tries codes as fast as they can. */
export class Attempts {
  #began = -Infinity;
  readonly #of = new Map<string, number>();

  /**
   * Whether another attempt is allowed.
   *
   * @param now in ms.
   */
  allows(from: string, now: number): boolean {
    if (now - this.#began > WINDOW_MS) {
      this.#began = now;
      this.#of.clear();
    }
    return (this.#of.get(networkOf(from)) ?? 0) < MOST;
  }

  /** Notes that an allowed attempt has failed. */
  failed(from: string): void {
    if (this.#of.size >= MOST_ADDRESSES) this.#of.clear();
    const network = networkOf(from);
    this.#of.set(network, (this.#of.get(network) ?? 0) + 1);
  }
}

/** The part of an address that one person has: an IPv4 address, or the first four groups of IPv6 ones. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? [];
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
}
