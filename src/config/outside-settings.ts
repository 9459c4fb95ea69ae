import { X509Certificate } from "node:crypto";
import { resolve } from "node:path";
import { fileFault, isObstacle, reasonOfFileError } from "../observability/file-fault.ts";
import { FileTooLarge, readBoundedFile } from "./bounded-file.ts";
import type { ConfigProblem } from "./config-error.ts";
import { shownPath } from "./shown.ts";

/** More than all certificates of a system have. */
const MOST_BYTES = 4 * 1024 * 1024;

/** Values that stand outside config.yaml, in files or variables that its settings name. */
export interface OutsideValues {
  readonly apiKey?: string;
  /** Certificates (PEM). */
  readonly ca?: string;
}

/** Reads the values outside that one group of settings names. The faults are added to a list. */
export class OutsideSettings {
  readonly #at: readonly string[];
  readonly #settings: Readonly<Record<string, unknown>>;
  readonly #directory: string;
  readonly #problems: ConfigProblem[];

  /**
   * @param at the path of the group.
   * @param directory the base of relative paths.
   */
  constructor(
    at: readonly string[],
    settings: Readonly<Record<string, unknown>>,
    directory: string,
    problems: ConfigProblem[],
  ) {
    this.#at = at;
    this.#settings = settings;
    this.#directory = directory;
    this.#problems = problems;
  }

  /** The key that api_key_env or api_key_file names. */
  async apiKey(): Promise<Pick<OutsideValues, "apiKey">> {
    const apiKey = await this.secret("api_key", "key");
    return apiKey === undefined ? {} : { apiKey };
  }

  /**
   * The secret under a name; undefined where none is named, or it can't be read.
   *
   * @param name the settings are `name_env` and `name_file`.
   * @param what the kind of secret, for a person.
   */
  async secret(name: string, what: string): Promise<string | undefined> {
    const [byVariable, byFile] = [`${name}_env`, `${name}_file`];
    const { [name]: written, [byVariable]: variable, [byFile]: file } = this.#settings;
    if (written !== undefined) {
      const expected = `${byVariable} or ${byFile}: config.yaml is copied, shown and backed up, and a ${what} in it would go along`;
      this.#refuse(name, `a ${what} in the configuration`, expected);
      return undefined;
    }
    if (variable !== undefined && file !== undefined) {
      this.#refuse(undefined, `more than one ${what}`, `only one of ${byVariable}, ${byFile}`);
      return undefined;
    }
    if (typeof variable === "string" && variable !== "") {
      return this.#checked(byVariable, what, process.env[variable], "a variable that is not set");
    }
    const text = await this.#read(byFile, `a file that holds the ${what}`);
    return text === undefined ? undefined : this.#checked(byFile, what, text, "");
  }

  /** The certificates in the file that ca_file names. */
  async certificates(): Promise<Pick<OutsideValues, "ca">> {
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

  #checked(setting: string, what: string, text: string | undefined, missing: string): string | undefined {
    const secret = text?.trim() ?? "";
    // Other characters can't stand in a header.
    if (/^[\x21-\x7e]+$/.test(secret)) return secret;
    const found = text === undefined ? missing : secret === "" ? "nothing in it" : "a value that is not shown";
    this.#refuse(setting, found, `a ${what}: one line, without blanks`);
    return undefined;
  }

  /** The file that a setting names. */
  async #read(setting: string, expected: string): Promise<string | undefined> {
    const file = this.#settings[setting];
    if (typeof file !== "string" || file === "") return undefined;
    const path = resolve(this.#directory, file);
    try {
      return await readBoundedFile(path, MOST_BYTES);
    } catch (error) {
      if (isObstacle(error)) throw fileFault(error, path, "read");
      if (error instanceof FileTooLarge) {
        this.#refuse(setting, `a file of ${error.message}`, expected);
        return undefined;
      }
      this.#refuse(setting, `a file that can't be read: ${reasonOfFileError(error, path)}`, expected);
      return undefined;
    }
  }

  #refuse(setting: string | undefined, found: string, expected: string): void {
    const path = setting === undefined ? this.#at : [...this.#at, setting];
    this.#problems.push({ path: shownPath([...path]), found, expected });
  }
}
