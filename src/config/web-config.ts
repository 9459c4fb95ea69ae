/** The page for whoever runs the bridge: its address, and the people who may only look at it. */
export interface WebConfig {
  readonly bind: string;
  readonly port: number;
  /** The address for browsers; undefined: the one that it listens on. */
  readonly url: string | undefined;
  /** Globs of user ids. */
  readonly viewers: readonly string[];
}

/** `web` of config.yaml after the schema's check, with defaults. */
export interface RawWeb {
  enabled: boolean;
  bind: string;
  port: number;
  url?: string;
  viewers: string[];
}

/** The page's settings; undefined where it is switched off. */
export function webOf({ enabled, bind, port, url, viewers }: RawWeb): WebConfig | undefined {
  return enabled ? { bind, port, url, viewers } : undefined;
}
