import type { Config } from "./config.ts";

/**
 * The configuration as it is now. Parts hold {@link now} and ask it each time that they need a value, so a new
 * configuration counts at once, for all of them. A value that a part has kept stays as it was at the start.
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
