import { readFile } from "node:fs/promises";
import { load, YAMLException } from "js-yaml";
import { ConfigError } from "./config-error.ts";

/**
 * Reads a YAML file that must hold a mapping. Throws {@link ConfigError}: missing, unreadable, no YAML, no mapping.
 *
 * @param hint What to do when the file is not there.
 */
export async function readYamlMapping(file: string, hint: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    const found = code === "ENOENT" ? "no such file" : `a file that can't be read (${code})`;
    throw new ConfigError(file, [{ path: "", found, expected: hint }]);
  }
  let value: unknown;
  try {
    value = load(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    // The exception's own message quotes the lines around, which may hold a password.
    const mark = (error as { mark?: { line?: number; column?: number } }).mark;
    const place = mark?.line === undefined ? "" : ` in line ${mark.line + 1}, column ${(mark.column ?? 0) + 1}`;
    throw new ConfigError(file, [{ path: "", found: `${error.reason}${place}`, expected: "YAML" }]);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const found =
      value === undefined || value === null ? "an empty file" : Array.isArray(value) ? "a list" : "a single value";
    throw new ConfigError(file, [{ path: "", found, expected: "settings of the form `name: value`" }]);
  }
  return value as Record<string, unknown>;
}
