import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { reasonOfFileError } from "../observability/file-fault.ts";
import type { ConfigProblem } from "./config-error.ts";
import { FORMATS } from "./formats.ts";

/** `database:` in config.yaml; the schema makes sure that there is exactly one of them. */
export interface DatabaseSettings {
  readonly url?: unknown;
  readonly url_env?: unknown;
  readonly url_file?: unknown;
}

/**
 * The database's URL from its setting, or the fault in it. Both are undefined where the schema refuses the settings.
 *
 * @param directory the base of a relative `url_file`.
 */
export async function databaseUrl(
  settings: DatabaseSettings | null | undefined,
  directory: string,
): Promise<{ readonly url?: string; readonly problem?: ConfigProblem }> {
  if (typeof settings?.url === "string") return { url: settings.url };
  if (typeof settings?.url_env === "string") {
    return fromOutside("database.url_env", "variable", process.env[settings.url_env]);
  }
  if (typeof settings?.url_file === "string" && settings.url_file !== "") {
    const file = resolve(directory, settings.url_file);
    try {
      return fromOutside("database.url_file", "file", await readFile(file, "utf8"));
    } catch (error) {
      return fromOutside("database.url_file", "file", undefined, reasonOfFileError(error, file));
    }
  }
  return {};
}

function fromOutside(path: string, kind: "variable" | "file", text: string | undefined, reason = "") {
  const url = text?.trim();
  if (url !== undefined && FORMATS["postgres-url"].validate(url)) return { url };
  const missing = kind === "file" ? `a file that can't be read: ${reason}` : "a variable that is not set";
  return {
    problem: {
      path,
      found: url === undefined ? missing : `a ${kind} whose value is not shown`,
      expected: `a ${kind} that holds ${FORMATS["postgres-url"].expected}`,
    },
  };
}
