/** A format of config.schema.yaml: how it is checked, and in words. */
export interface Format {
  readonly expected: string;
  validate(text: string): boolean;
}

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration such as `90s` in milliseconds; undefined when it is none, or longer than a timer can be. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  return ms >= 1 && ms <= 2 ** 31 - 1 ? Math.round(ms) : undefined;
}

/** The formats by name. */
export const FORMATS: Readonly<Record<string, Format>> = {
  "http-url": {
    expected: "a URL such as http://127.0.0.1:8008, without a query",
    validate: (text) => {
      const url = URL.parse(text);
      return url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
    },
  },
  "postgres-url": {
    expected: "a URL such as postgres://user:password@host/database",
    validate: (text) => /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? ""),
  },
  "server-name": {
    // Spec "Server name": a host or address, and a port where it is not the usual one.
    expected: "a server name such as example.org, without a scheme",
    validate: (text) => /^([0-9A-Za-z.-]{1,230}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?$/.test(text),
  },
  "user-glob": {
    expected: 'a pattern of user ids such as "@*:example.org"',
    validate: (text) => /^@[^:]*:.+$/.test(text),
  },
  duration: {
    expected: "a duration such as 90s, 5m or 1h, at most 24 days",
    validate: (text) => parseDuration(text) !== undefined,
  },
  "keep-alive": {
    expected: 'a duration such as 5m, or "-1" for ever',
    validate: (text) => text === "-1" || text === "0" || DURATION.test(text),
  },
};
