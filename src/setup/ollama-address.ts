/** Ollama's default address. */
export const DEFAULT_OLLAMA = "http://127.0.0.1:11434";

/**
 * The URL that `OLLAMA_HOST` means, read as Ollama itself reads it (`envconfig.Host`): host, host:port or :port, with
 * or without a path and a scheme, which then sets the default port. An invalid port becomes the default. "All
 * interfaces", on which a server may listen, becomes this machine.
 */
export function ollamaUrl(ollamaHost: string | undefined): string {
  const setting = (ollamaHost ?? "").trim().replaceAll(/^["']+|["']+$/g, "");
  const [, givenScheme, rest = ""] = /^(?:([^:/]*):\/\/)?(.*)$/s.exec(setting) ?? [];
  // As a client, Ollama reaches its own site over TLS.
  const isOllamaSite = givenScheme === undefined && setting === "ollama.com";
  const scheme = isOllamaSite ? "https" : (givenScheme ?? "http");
  const defaultPort = givenScheme === "http" ? "80" : givenScheme === "https" || isOllamaSite ? "443" : "11434";

  const slash = rest.indexOf("/");
  const authority = slash === -1 ? rest : rest.slice(0, slash);
  const path = slash === -1 ? "" : rest.slice(slash).replace(/\/+$/, "");
  const { host, port } = splitAuthority(authority);
  return `${scheme}://${reachable(host)}:${isPort(port) ? Number(port) : defaultPort}${path}`;
}

/** A bare IPv6 address has colons but no port. */
function splitAuthority(authority: string): { host: string; port: string } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(authority);
  if (bracketed !== null) return { host: bracketed[1] ?? "", port: bracketed[2] ?? "" };
  const colons = authority.split(":").length - 1;
  if (colons !== 1) return { host: authority, port: "" };
  const [host = "", port = ""] = authority.split(":");
  return { host, port };
}

function reachable(host: string): string {
  if (host === "" || host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function isPort(port: string): boolean {
  return /^\d+$/.test(port) && Number(port) < 65_536;
}
