import type { Config, HttpToolServer } from "../config/config.ts";
import type { Endpoint } from "./guard.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "postgres:": 5_432,
  "postgresql:": 5_432,
};

/**
 * All endpoints that a bridge needs: its homeserver, its database, its providers, its servers of tools, and those where people
 * sign in to them.
 */
export function endpointsOf(config: Pick<Config, "homeserver" | "database" | "providers" | "tools">): Endpoint[] {
  const providers = [...config.providers.values()].flatMap((provider) =>
    provider.type === "demo" ? [] : [provider.type === "ollama" ? withPort(provider.url) : provider.url],
  );
  const tools = [...config.tools.values()].flatMap((server) => {
    if (server.type === "http") return addressesOf(server);
    return server.type === "own" ? server.hosts.flatMap((host) => [`https://${host}`, `http://${host}`]) : [];
  });
  return [config.homeserver.url, ...providers, ...tools]
    .map((url) => endpointOf(new URL(url)))
    .concat(config.database === undefined ? [] : databaseEndpoints(config.database.url));
}

/** The addresses that are reached for a server of tools. */
export function addressesOf({ url, signIn }: Pick<HttpToolServer, "url" | "signIn">): readonly string[] {
  return [url, ...(signIn === undefined ? [] : [signIn.issuer, ...signIn.origins])];
}

/** Ollama's port is the default where the address names neither a port nor a scheme. */
function withPort(url: string): string {
  if (url.includes("://")) return url;
  const { hostname, port, pathname } = new URL(`http://${url}`);
  return `http://${hostname}:${port || "11434"}${pathname}`;
}

/** The host and port of a URL. */
export function endpointOf(url: URL): Endpoint {
  return { host: url.hostname, port: url.port === "" ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port) };
}

/** A host that is a folder holds a local socket (libpq's form, which the driver also takes). */
function databaseEndpoints(url: string): Endpoint[] {
  const parsed = new URL(url);
  const host = parsed.searchParams.get("host") ?? decodeURIComponent(parsed.hostname);
  if (host.startsWith("/")) return [{ path: host }];
  const { port } = endpointOf(parsed) as { port: number };
  // The driver takes missing parts of the address from the same variables as libpq.
  const { PGHOST = "localhost", PGPORT } = process.env;
  const usual = parsed.port === "" ? (PGPORT ?? port) : port;
  return [{ host: host === "" ? PGHOST : host, port: Number(parsed.searchParams.get("port") ?? usual) }];
}
