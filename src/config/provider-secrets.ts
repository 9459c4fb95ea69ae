import type { ConfigProblem } from "./config-error.ts";
import { OutsideSettings, type OutsideValues } from "./outside-settings.ts";

type Settings = Readonly<Record<string, unknown>>;

/**
 * Reads the providers' keys and certificates from the files or variables that the settings name, or reports the faults.
 *
 * @param directory the base of relative paths.
 */
export async function providerSecrets(
  providers: Settings,
  directory: string,
): Promise<{ readonly secrets: ReadonlyMap<string, OutsideValues>; readonly problems: readonly ConfigProblem[] }> {
  const problems: ConfigProblem[] = [];
  const secrets = new Map<string, OutsideValues>();
  for (const [name, settings] of Object.entries(providers)) {
    if (typeof settings !== "object" || settings === null) continue;
    const outside = new OutsideSettings(["providers", name], settings as Settings, directory, problems);
    secrets.set(name, { ...(await outside.apiKey()), ...(await outside.certificates()) });
  }
  return { secrets, problems };
}
