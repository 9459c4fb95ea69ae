import childProcess from "node:child_process";
import dgram from "node:dgram";
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

/** What may be reached: a host's port, or a local socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** Something tried to reach what is not configured. */
export class EgressRefused extends Error {
  override readonly name = "EgressRefused";
  readonly code = "EACCES";

  constructor(what: string) {
    super(`${what} is not configured, and was not reached`);
  }
}

/** Is told of what was refused: a host with its port, a name that was looked up, a program. */
export type Refused = (what: string) => void;

/** A process that is shut in. */
export interface EgressGuard {
  /** Lets these be reached from now on, and says from now on what was refused. */
  allow(endpoints: readonly Endpoint[], refused: Refused): void;
}

/**
 * Shuts this process in: from here on nothing in it, whichever library, reaches anything but what is allowed, over TCP, UDP or
 * DNS, or by another program; at first, nothing. What listens here is not concerned. It holds for this thread; those that are
 * started for one job shut themselves in.
 */
export function guardEgress(): EgressGuard {
  let allowed: readonly Endpoint[] = [];
  let refused: Refused = () => undefined;
  const isAllowed = (endpoint: Endpoint): boolean =>
    allowed.some((one) =>
      "path" in endpoint
        ? "path" in one && endpoint.path.startsWith(`${one.path}/`)
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
    const endpoint = endpointOf(args);
    if (isAllowed(endpoint)) return connect.apply(this, args);
    // As the system would say it, so that callers treat it as any other failure.
    process.nextTick(() => this.destroy(refuse(nameOf(endpoint))));
    return this;
  };

  for (const name of LOOKUPS) {
    guardLookup(dns as unknown as Lookups, name, isKnownHost, refuse);
    guardLookup(dns.Resolver.prototype as unknown as Lookups, name, isKnownHost, refuse);
    guardLookup(dns.promises as unknown as Lookups, name, isKnownHost, refuse, { promises: true });
    guardLookup(dns.promises.Resolver.prototype as unknown as Lookups, name, isKnownHost, refuse, { promises: true });
  }
  const send = (): never => {
    throw refuse("UDP");
  };
  Object.assign(dgram.Socket.prototype, { send, connect: send });
  Object.assign(childProcess.ChildProcess.prototype, {
    spawn: (options: { readonly file?: string }): never => {
      throw refuse(`the program ${options.file ?? ""}`);
    },
  });
  const sync = (file: string): never => {
    throw refuse(`the program ${file}`);
  };
  Object.assign(childProcess, { spawnSync: sync, execFileSync: sync, execSync: sync });
  syncBuiltinESMExports();
  return {
    allow: (endpoints, tell) => {
      allowed = endpoints;
      refused = tell;
    },
  };
}

const LOOKUPS = [
  "lookup",
  "resolve",
  "resolve4",
  "resolve6",
  "resolveAny",
  "resolveCaa",
  "resolveCname",
  "resolveMx",
  "resolveNaptr",
  "resolveNs",
  "resolvePtr",
  "resolveSoa",
  "resolveSrv",
  "resolveTxt",
  "reverse",
  "lookupService",
] as const;

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
    // To look an address up asks nobody; to ask for its name does.
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

/** The arguments of `connect`, in one of its three forms, or as Node hands them on: `[options, callback]`. */
function endpointOf(args: readonly unknown[]): Endpoint {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === "object" && first !== null) {
    const { path, host, port } = first as { path?: unknown; host?: unknown; port?: unknown };
    if (typeof path === "string") return { path };
    return { host: typeof host === "string" ? host : "localhost", port: Number(port) };
  }
  if (typeof first === "string" && !/^\d+$/.test(first)) return { path: first };
  return { host: typeof second === "string" ? second : "localhost", port: Number(first) };
}

function hostOf(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$/g, "");
}

function nameOf(endpoint: Endpoint): string {
  return "path" in endpoint ? endpoint.path : `${endpoint.host}:${endpoint.port}`;
}
