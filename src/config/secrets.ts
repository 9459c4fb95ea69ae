import type { Config } from "./config.ts";
import type { Registration } from "./registration.ts";

/** The secrets of a configuration and its registration that are known at the start. */
export function secretsOf(
  config: Pick<Config, "database" | "providers" | "tools" | "encryption">,
  { asToken, hsToken }: Pick<Registration, "asToken" | "hsToken">,
): readonly string[] {
  const { masterKey } = config.encryption;
  const master = masterKey.from === "env" ? process.env[masterKey.name] : undefined;
  const keys = [...config.providers.values()].map((provider) => ("apiKey" in provider ? provider.apiKey : undefined));
  const ofTools = [...config.tools.values()].flatMap((server) =>
    server.type === "http"
      ? [server.token]
      : server.type === "stdio"
        ? server.secrets.map((name) => server.env[name])
        : [],
  );
  return [asToken, hsToken, ...passwordsOf(config.database?.url), master?.trim(), ...keys, ...ofTools].filter(
    (secret) => secret !== undefined,
  );
}

/** The password in a database's URL, both encoded and decoded. */
function passwordsOf(url: string | undefined): readonly string[] {
  const written = url === undefined ? undefined : URL.parse(url);
  if (written === null || written === undefined) return [];
  const passwords = [written.password, written.searchParams.get("password") ?? ""];
  return passwords.flatMap((password) => [password, decoded(password)]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
