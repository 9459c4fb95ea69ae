import type { LiveSection } from "./changes.ts";
import type { Config } from "./config.ts";

/** The settings that stay as they were at the start: parts may keep them. All others are asked for anew each time. */
export interface FixedConfig extends Omit<Config, LiveSection | "encryption" | "logging"> {
  readonly encryption: Omit<Config["encryption"], "trust">;
}

/** Holds the configuration that is in force. */
export class LiveConfig {
  #now: Config;

  constructor(config: Config) {
    this.#now = config;
  }

  /** The configuration as it is now: a value of it that a part keeps stays as it was. */
  now(): Config {
    return this.#now;
  }

  /** Replaces the whole configuration. */
  replace(config: Config): void {
    this.#now = config;
  }
}
