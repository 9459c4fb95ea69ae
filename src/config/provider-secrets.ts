import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { reasonOfFileError } from "../observability/file-fault.ts";
import type { ConfigProblem } from "./config-error.ts";
import { shownPath } from "./shown.ts";

/** The secrets and certificates of a provider, which stand outside config.yaml. */
export interface ProviderSecrets {
  readonly apiKey?: string;
  /** Certificates (PEM). */
  readonly ca?: string;
}

type Settings = Readonly<Record<string, unknown>>;

/**
 * Reads the providers' keys and certificates from the files or variables that the settings name, or reports the faults.
 *
 * @param directory the base of relative paths.
 */
export async function providerSecrets(
  providers: Settings,
  directory: string,
): Promise<{ readonly secrets: ReadonlyMap<string, ProviderSecrets>; readonly problems: readonly ConfigProblem[] }> {
  const problems: ConfigProblem[] = [];
  const secrets = new Map<string, ProviderSecrets>();
  for (const [name, settings] of Object.entries(providers)) {
    if (typeof settings !== "object" || settings === null) continue;
    const reading = new Reading(["providers", name], settings as Settings, directory, problems);
    secrets.set(name, { ...(await reading.apiKey()), ...(await reading.certificates()) });
  }
  return { secrets, problems };
}

class Reading {
  readonly #at: readonly string[];
  readonly #settings: Settings;
  readonly #directory: string;
  readonly #problems: ConfigProblem[];

  constructor(at: readonly string[], settings: Settings, directory: string, problems: ConfigProblem[]) {
    this.#at = at;
    this.#settings = settings;
    this.#directory = directory;
    this.#problems = problems;
  }

  async apiKey(): Promise<Pick<ProviderSecrets, "apiKey">> {
    const { api_key: written, api_key_env: variable, api_key_file: file } = this.#settings;
    if (written !== undefined) {
      const expected =
        "api_key_env or api_key_file: config.yaml is copied, shown and backed up, and a key in it would go along";
      this.#refuse("api_key", "a key in the configuration", expected);
      return {};
    }
    if (variable !== undefined && file !== undefined) {
      this.#refuse(undefined, "more than one key", "only one of api_key_env, api_key_file");
      return {};
    }
    if (typeof variable === "string" && variable !== "") {
      return this.#key("api_key_env", process.env[variable], "a variable that is not set");
    }
    const text = await this.#read("api_key_file", "a file that holds the key");
    return text === undefined ? {} : this.#key("api_key_file", text, "");
  }

  async certificates(): Promise<Pick<ProviderSecrets, "ca">> {
    const expected = "a file of certificates in PEM";
    const ca = await this.#read("ca_file", expected);
    if (ca === undefined) return {};
    try {
      new X509Certificate(ca);
      return { ca };
    } catch {
      this.#refuse("ca_file", "a file that holds no certificate", expected);
      return {};
    }
  }

  #key(setting: string, text: string | undefined, missing: string): Pick<ProviderSecrets, "apiKey"> {
    const apiKey = text?.trim() ?? "";
    // Other characters can't stand in a header.
    if (/^[\x21-\x7e]+$/.test(apiKey)) return { apiKey };
    const found = text === undefined ? missing : apiKey === "" ? "nothing in it" : "a value that is not shown";
    this.#refuse(setting, found, "a key: one line, without blanks");
    return {};
  }

  /** The file that a setting names. */
  async #read(setting: string, expected: string): Promise<string | undefined> {
    const file = this.#settings[setting];
    if (typeof file !== "string" || file === "") return undefined;
    const path = resolve(this.#directory, file);
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      this.#refuse(setting, `a file that can't be read: ${reasonOfFileError(error, path)}`, expected);
      return undefined;
    }
  }

  #refuse(setting: string | undefined, found: string, expected: string): void {
    const path = setting === undefined ? this.#at : [...this.#at, setting];
    this.#problems.push({ path: shownPath([...path]), found, expected });
  }
}
