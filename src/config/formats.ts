import { isIPv6 } from "node:net";

/** A format of config.schema.yaml: its check, and its name in words. */
export interface Format {
  readonly expected: string;
  validate(text: string): boolean;
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** The longest time that a timer of Node can wait. */
const MAX_DURATION_MS = 2 ** 31 - 1;
const MIN_INTERVAL_MS = 1_000;

/** A duration such as `90s` in milliseconds; undefined when it is invalid, or longer than a timer can wait. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  const ms = Math.round(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]);
  return ms >= 1 && ms <= MAX_DURATION_MS ? ms : undefined;
}

/** A number of days such as `30d`, in milliseconds; undefined when it is invalid. */
export function parseDays(text: string): number | undefined {
  const match = /^(\d{1,4})d$/.exec(text);
  return match === null ? undefined : Number(match[1]) * UNIT_MS.d;
}

/** The formats by name. */
export const FORMATS = {
  "homeserver-url": {
    expected: "a URL such as http://127.0.0.1:8008, without user, query or /_matrix",
    // The client appends the paths, and fetch refuses a URL with a user.
    validate: (text) => {
      const url = httpUrl(text);
      return url?.username === "" && url.password === "" && !url.pathname.startsWith("/_matrix");
    },
  },
  "http-url": {
    expected: "a URL such as http://127.0.0.1:11434, without a query",
    validate: (text) => httpUrl(text) !== undefined,
  },
  "bridge-url": {
    expected: "a URL such as http://127.0.0.1:9993, at which the homeserver reaches the bridge",
    validate: (text) => httpUrl(text) !== undefined,
  },
  "web-host": {
    expected: "a host such as docs.example.org or wiki.lan:8080, without a scheme and a path",
    validate: (text) => {
      if (!/^[a-z0-9.:[\]-]{1,255}$/.test(text)) return false;
      const url = URL.parse(`http://${text}`);
      // The parser writes a host in small letters, and leaves the usual port out.
      return url !== null && (url.host === text || `${url.host}:80` === text);
    },
  },
  origin: {
    expected: "an origin such as https://oauth2.example.org, in small letters, with no path and no wildcard",
    // The parser takes wildcards for names of hosts.
    validate: (text) => /^https?:\/\/[a-z0-9.:[\]-]{1,255}$/.test(text) && URL.parse(text)?.origin === text,
  },
  "time-zone": {
    expected: "the name of a time zone such as Europe/Berlin or UTC",
    validate: isTimeZone,
  },
  "postgres-url": {
    expected: "a URL such as postgres://user:password@host/database",
    validate: (text) => /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? ""),
  },
  "server-name": {
    // Spec "Server name": a host or address, with a port unless it is the usual one.
    expected: "a server name such as example.org, without a scheme",
    validate: (text) => {
      const [, host, address, port] = /^(?:([0-9A-Za-z.-]{1,230})|\[([^\]]*)\])(?::(\d{1,5}))?$/.exec(text) ?? [];
      return (host !== undefined || (address !== undefined && isIPv6(address))) && Number(port ?? 0) <= 65_535;
    },
  },
  "user-glob": {
    expected: 'a pattern of user ids such as "@*:example.org"',
    validate: (text) => /^@[^:\s]*:\S+$/.test(text),
  },
  "server-glob": {
    expected: 'a server name or a pattern of such, like "*.example.org"',
    validate: (text) => /^[0-9A-Za-z.*?:[\]-]{1,255}$/.test(text),
  },
  "room-glob": {
    expected: 'the id of a room such as "!abc:example.org", or a pattern of such, like "!*:example.org"',
    validate: (text) => /^(!\S{1,254}|\*)$/.test(text),
  },
  "room-id": {
    expected: 'the id of a room such as "!abc:example.org", no address such as "#room:example.org"',
    validate: (text) => /^![^\s*?]{1,254}$/.test(text),
  },
  duration: {
    expected: "a duration such as 90s, 5m or 1h, at most 24 days",
    validate: (text) => parseDuration(text) !== undefined,
  },
  interval: {
    expected: "a duration such as 90s, 5m or 1h, at least 1s and at most 24 days",
    validate: (text) => (parseDuration(text) ?? 0) >= MIN_INTERVAL_MS,
  },
  patience: {
    expected: "a duration such as 5m, 1h or 1d, at least 10s and at most 1d",
    validate: (text) => {
      const ms = parseDuration(text) ?? 0;
      return ms >= 10 * UNIT_MS.s && ms <= UNIT_MS.d;
    },
  },
  "key-age": {
    expected: "a number of days such as 30d, at least 14 days",
    validate: (text) => (parseDays(text) ?? 0) >= 14 * UNIT_MS.d,
  },
  days: {
    expected: "a number of days such as 90d, at least one",
    validate: (text) => (parseDays(text) ?? 0) >= UNIT_MS.d,
  },
  "keep-alive": {
    // Ollama reads Go's durations, which have no days.
    expected: 'a duration such as "5m" or "1h", "0" for not at all, "-1" for ever; in quotes',
    validate: (text) => /^(-1|0|\d+(\.\d+)?(ms|s|m|h))$/.test(text),
  },
} as const satisfies Record<string, Format>;

/** Whether a text names a time zone (IANA), as it is known to this machine. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** An http(s) URL to which a path can be appended. */
function httpUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  // `http:example.org` is also a URL, but nobody means it.
  return url !== null && /^https?:\/\//i.test(text) && url.search === "" && url.hash === "" ? url : undefined;
}
