import type { Config } from "./config.ts";

/**
 * The configuration as it is now. Parts are given {@link now} and ask it each time they want to know something: then what is
 * taken over counts at once, for all of them. What a part has kept of it stays as it was at the start.
 */
export class LiveConfig {
  /** Looks every section up when it is asked for. */
  readonly now: Config;
  #current: Config;

  constructor(config: Config) {
    this.#current = config;
    const sections = Object.keys(config) as (keyof Config)[];
    const lookups = sections.map((name) => [name, { enumerable: true, get: () => this.#current[name] }]);
    this.now = Object.defineProperties({}, Object.fromEntries(lookups) as PropertyDescriptorMap) as Config;
  }

  /** Takes another configuration over, whole. */
  replace(config: Config): void {
    this.#current = config;
  }
}
