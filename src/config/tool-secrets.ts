import type { ConfigProblem } from "./config-error.ts";
import { OutsideSettings } from "./outside-settings.ts";

/** The secrets and certificates of a tool server, which stand outside config.yaml. */
export interface ToolSecrets {
  readonly token?: string;
  /** The bridge's secret at the server where people sign in. */
  readonly clientSecret?: string;
  /** Certificates (PEM). */
  readonly ca?: string;
  /** Variables of its environment, by their names. */
  readonly env: Readonly<Record<string, string>>;
}

type Settings = Readonly<Record<string, unknown>>;

/**
 * Reads the tool servers' secrets from the files or variables that the settings name, or reports the faults.
 *
 * @param directory the base of relative paths.
 */
export async function toolSecrets(
  servers: Settings,
  directory: string,
): Promise<{ readonly secrets: ReadonlyMap<string, ToolSecrets>; readonly problems: readonly ConfigProblem[] }> {
  const problems: ConfigProblem[] = [];
  const secrets = new Map<string, ToolSecrets>();
  for (const [name, settings] of Object.entries(servers)) {
    if (typeof settings !== "object" || settings === null) continue;
    const reader = new OutsideSettings(["tools", name], settings as Settings, directory, problems);
    const token = await reader.secret("token", "token");
    const certificates = await reader.certificates();
    const env: Record<string, string> = {};
    const { secrets: named, sign_in: signIn } = settings as Settings;
    const clientSecret =
      typeof signIn === "object" && signIn !== null
        ? await new OutsideSettings(["tools", name, "sign_in"], signIn as Settings, directory, problems).secret(
            "client_secret",
            "secret",
          )
        : undefined;
    for (const [variable, source] of Object.entries(typeof named === "object" && named !== null ? named : {})) {
      if (typeof source !== "object" || source === null) continue;
      const at = ["tools", name, "secrets", variable];
      const value = await new OutsideSettings(at, source as Settings, directory, problems).secret("from", "secret");
      if (value !== undefined) env[variable] = value;
    }
    secrets.set(name, {
      ...(token === undefined ? {} : { token }),
      ...(clientSecret === undefined ? {} : { clientSecret }),
      ...certificates,
      env,
    });
  }
  return { secrets, problems };
}
