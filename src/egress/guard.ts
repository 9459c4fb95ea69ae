import childProcess from "node:child_process";
import dgram from "node:dgram";
import dns from "node:dns";
import module, { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { resolve } from "node:path";
import workers from "node:worker_threads";

/** An endpoint that may be reached: a host's port, or a local socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** Code tried to reach an endpoint that is not configured. */
class EgressRefused extends Error {
  override readonly name = "EgressRefused";
  readonly code = "EACCES";

  constructor(what: string) {
    super(`${what} is not configured, and was not reached`);
  }
}

/** Called with the refused target: a host with its port, a name that was looked up, or a program. */
export type Refused = (what: string) => void;

/** A program that may be started in spite of the guard, without our environment and with one argument beside these. */
export interface AllowedProgram {
  readonly file: string;
  readonly args: readonly string[];
}

/** A program that may be started with exactly these arguments and this environment. */
export interface LaunchedProgram {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The guard of a restricted process. */
export interface EgressGuard {
  /** Allows these endpoints and programs from now on, and reports refusals from now on. */
  allow(endpoints: readonly Endpoint[], refused: Refused, programs?: readonly LaunchedProgram[]): void;
}

/**
 * Restricts this process: from here on no library in it reaches anything but the allowed endpoints, over TCP, UDP or
 * DNS, by another program or by another thread. At first nothing is allowed. Listening is not restricted. The programs
 * that it may start for one job restrict themselves. SECURITY.md says how far this holds against code that uses Node's
 * own internals.
 *
 * @param program the one program that may be started.
 */
// eslint-disable-next-line max-lines-per-function -- this one place closes every way out of the process
export function guardEgress(program?: AllowedProgram): EgressGuard {
  let allowed: readonly Endpoint[] = [];
  let launched: readonly LaunchedProgram[] = [];
  let refused: Refused = () => undefined;
  const isAllowed = (endpoint: Endpoint): boolean =>
    allowed.some((one) =>
      "path" in endpoint
        ? // A ".." would lead out of the folder.
          "path" in one && resolve(endpoint.path) === endpoint.path && endpoint.path.startsWith(`${one.path}/`)
        : "host" in one && one.port === endpoint.port && hostOf(one.host) === hostOf(endpoint.host),
    );
  const isKnownHost = (name: string): boolean =>
    allowed.some((one) => "host" in one && hostOf(one.host) === hostOf(name));
  const refuse = (what: string): EgressRefused => {
    refused(what);
    return new EgressRefused(what);
  };

  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the socket itself
  const connect = net.Socket.prototype.connect as (...args: unknown[]) => net.Socket;
  net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
    const given = settled(args);
    const endpoint = endpointOf(given);
    if (endpoint !== undefined && isAllowed(endpoint)) return connect.apply(this, given);
    // The error looks like the system's, so that callers treat it like any other failure.
    process.nextTick(() => this.destroy(refuse(endpoint === undefined ? "an address of its own" : nameOf(endpoint))));
    return this;
  };

  for (const [table, promises] of [
    [dns, false],
    [dns.Resolver.prototype, false],
    [dns.promises, true],
    [dns.promises.Resolver.prototype, true],
  ] as const) {
    const lookups = table as unknown as Lookups;
    for (const name of lookupsIn(lookups)) guardLookup(lookups, name, isKnownHost, refuse, { promises });
  }
  const refuser = (what: string) => (): never => {
    throw refuse(what);
  };
  // Another DNS server would learn every name that is looked up.
  const setServers = refuser("another DNS server");
  for (const table of [dns, dns.promises, RESOLVER_BASE, PROMISES_RESOLVER_BASE]) Object.assign(table, { setServers });
  const udp = refuser("UDP");
  Object.assign(dgram.Socket.prototype, Object.fromEntries(UDP.map((name) => [name, udp])));
  // A new thread, or a program that replaces this process, would have unguarded functions.
  const Worker = function (): never {
    throw refuse("another thread");
  };
  Object.assign(workers, { Worker });
  Object.assign(module, { register: refuser("another thread") });
  const { binding } = process as unknown as { binding: (name: string) => unknown };
  Object.assign(process, {
    execve: refuser("another program in this one's place"),
    dlopen: refuser("native code"),
    _linkedBinding: refuser("Node's own insides"),
    binding: (name: string): unknown => {
      // The embedded database needs these numbers.
      if (name === "constants") return binding.call(process, name);
      throw refuse("Node's own insides");
    },
  });
  const { spawn } = childProcess.ChildProcess.prototype as unknown as { spawn: (options: SpawnOptions) => unknown };
  Object.assign(childProcess.ChildProcess.prototype, {
    spawn: function (this: childProcess.ChildProcess, options: SpawnOptions): unknown {
      const isAllowedProgram = program !== undefined && isStartOf(program, options);
      if (isAllowedProgram || launched.some((one) => isLaunchOf(one, options))) return spawn.call(this, options);
      throw refuse(`the program ${options.file ?? ""}`);
    },
  });
  const sync = (file: string): never => {
    throw refuse(`the program ${file}`);
  };
  Object.assign(childProcess, { spawnSync: sync, execFileSync: sync, execSync: sync });
  syncBuiltinESMExports();
  return {
    allow: (endpoints, tell, programs = []) => {
      allowed = endpoints;
      launched = programs;
      refused = tell;
    },
  };
}

/** The options with which Node starts a program: `args` begins with the program's name. */
interface SpawnOptions {
  readonly file?: string;
  readonly args?: readonly string[];
  readonly envPairs?: readonly string[];
}

/** An environment could make the program load other code. */
function isStartOf({ file, args }: AllowedProgram, options: SpawnOptions): boolean {
  const [, ...given] = options.args ?? [];
  return (
    options.file === file &&
    options.envPairs?.length === 0 &&
    given.length === args.length + 1 &&
    args.every((arg, index) => given[index] === arg)
  );
}

function isLaunchOf({ file, args, env }: LaunchedProgram, options: SpawnOptions): boolean {
  const [, ...given] = options.args ?? [];
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return options.file === file && isSame(given, args) && isSame([...(options.envPairs ?? [])].sort(), pairs.toSorted());
}

function isSame(list: readonly string[], other: readonly string[]): boolean {
  return list.length === other.length && list.every((one, at) => one === other[at]);
}

/** The members of `dns` and its resolvers that ask no server: they only read or change settings. */
const NO_LOOKUPS: ReadonlySet<string> = new Set([
  "constructor",
  "Resolver",
  "getDefaultResultOrder",
  "setDefaultResultOrder",
  "getServers",
  "setServers",
  "cancel",
  "setLocalAddress",
]);

/** Every other member asks a server; so may one that a later version of Node adds. */
function lookupsIn(table: Lookups): string[] {
  return Object.getOwnPropertyNames(table).filter((name) => !NO_LOOKUPS.has(name) && typeof table[name] === "function");
}

/** The prototype that the resolvers share. */
const RESOLVER_BASE = Object.getPrototypeOf(dns.Resolver.prototype) as object;
const PROMISES_RESOLVER_BASE = Object.getPrototypeOf(dns.promises.Resolver.prototype) as object;

/** The methods by which a UDP socket sends. */
const UDP = ["send", "sendto", "connect", "connectSync"] as const;

type Lookups = Record<string, ((...args: unknown[]) => unknown) | undefined>;

function guardLookup(
  module: Lookups,
  name: string,
  isKnownHost: (name: string) => boolean,
  refuse: (what: string) => EgressRefused,
  { promises = false } = {},
): void {
  const original = module[name];
  if (original === undefined) return;
  module[name] = function (this: unknown, ...args: unknown[]): unknown {
    const [host] = args;
    // A lookup of an address asks no server; a lookup of a name does.
    const isAddress = name === "lookup" && typeof host === "string" && net.isIP(host) !== 0;
    if (typeof host === "string" && (isKnownHost(host) || isAddress)) return original.apply(this ?? module, args);
    const error = refuse(`the name ${String(host)}`);
    if (promises) return Promise.reject(error);
    const callback = args.at(-1);
    if (typeof callback !== "function") throw error;
    process.nextTick(callback, error);
    return {};
  };
}

/**
 * Copies the arguments of `connect`, so that reading its options twice gives the same values: otherwise they could name
 * one address to this check, and another one afterwards.
 */
function settled(args: readonly unknown[]): unknown[] {
  const [first, ...others] = args;
  if (Array.isArray(first)) {
    // Node passes its arguments on as a marked list; the copy must be the same list with other options.
    if (isOptions(first[0])) first[0] = copyOf(first[0]);
    return [first, ...others];
  }
  return isOptions(first) ? [copyOf(first), ...others] : [...args];
}

function isOptions(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Inherited options count as well. */
function copyOf(options: object): object {
  const inherited = Object.getPrototypeOf(options) as object | null;
  const isPlain = inherited === null || inherited === Object.prototype;
  return isPlain ? { ...options } : { ...copyOf(inherited), ...options };
}

/**
 * The endpoint that arguments of `connect` lead to, in one of its three forms, or as Node passes them on (`[options,
 * callback]`); undefined where that is unknown: with a custom lookup, any name leads anywhere.
 */
function endpointOf(args: readonly unknown[]): Endpoint | undefined {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (isOptions(first)) {
    const { path, host, port, lookup } = first as { path?: unknown; host?: unknown; port?: unknown; lookup?: unknown };
    if (typeof path === "string" && path !== "") return { path };
    if (path !== undefined && path !== null && path !== "") return undefined;
    if (lookup !== undefined && lookup !== null && lookup !== dns.lookup) return undefined;
    return addressOf(host, port);
  }
  if (typeof first === "string" && !/^\d+$/.test(first)) return { path: first };
  return addressOf(typeof second === "function" ? undefined : second, first);
}

/** Node uses `localhost` where no host is named. */
function addressOf(host: unknown, port: unknown): Endpoint | undefined {
  if (typeof port !== "number" && typeof port !== "string") return undefined;
  if (host === undefined || host === null || host === "") return { host: "localhost", port: Number(port) };
  return typeof host === "string" ? { host, port: Number(port) } : undefined;
}

function hostOf(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$/g, "");
}

function nameOf(endpoint: Endpoint): string {
  return "path" in endpoint ? endpoint.path : `${endpoint.host}:${endpoint.port}`;
}
