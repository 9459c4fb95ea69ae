import { resolve } from "node:path";
import { fileFault, isObstacle, reasonOfFileError } from "../observability/file-fault.ts";
import { FileTooLarge, readBoundedFile } from "./bounded-file.ts";
import type { ConfigProblem } from "./config-error.ts";
import { FORMATS } from "./formats.ts";

const MOST_BYTES = 64 * 1024;

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
      return fromOutside("database.url_file", "file", await readBoundedFile(file, MOST_BYTES));
    } catch (error) {
      if (isObstacle(error)) throw fileFault(error, file, "read");
      if (error instanceof FileTooLarge) return fromOutside("database.url_file", "file", undefined, error.message);
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
