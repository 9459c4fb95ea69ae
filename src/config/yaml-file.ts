import { loadAll, YAMLException } from "js-yaml";
import { fileFault, isObstacle, reasonOfFileError } from "../observability/file-fault.ts";
import { FileTooLarge, readBoundedFile } from "./bounded-file.ts";
import { ConfigError } from "./config-error.ts";
import { yamlFault } from "./yaml-fault.ts";

/** Many times more than the longest settings. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Reads a YAML file that must hold one mapping. Throws {@link ConfigError}: missing, unreadable, no YAML, no mapping; and
 * FileFault where the system can't read it now.
 *
 * @param hint the remedy when the file is not there.
 */
export async function readYamlMapping(file: string, hint: string): Promise<Record<string, unknown>> {
  const refuse = (found: string, expected: string): ConfigError =>
    new ConfigError(file, [{ path: "", found, expected }]);
  let text: string;
  try {
    text = await readBoundedFile(file, MOST_BYTES);
  } catch (error) {
    if (isObstacle(error)) throw fileFault(error, file, "read");
    if (error instanceof FileTooLarge) throw refuse(`a file of ${error.message}`, "settings");
    if (error instanceof Error && "code" in error && error.code === "ENOENT") throw refuse("no such file", hint);
    throw refuse(`a file that can't be read: ${reasonOfFileError(error, file)}`, "a file that this user may read");
  }
  let documents: unknown[];
  try {
    documents = loadAll(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw refuse(explain(error), "YAML, indented with spaces, and each name once");
  }
  const [value] = documents;
  const expected = "settings of the form `name: value`";
  if (documents.length > 1) throw refuse("several documents, parted by ---", expected);
  if (value === undefined || value === null) throw refuse("an empty file", expected);
  if (Array.isArray(value)) throw refuse("a list", expected);
  if (typeof value !== "object") throw refuse("a single value", expected);
  return value as Record<string, unknown>;
}

/** The reason and its place. */
function explain({ reason, mark }: YAMLException): string {
  const place = mark === undefined ? "" : ` in line ${mark.line + 1}, column ${mark.column + 1}`;
  return `no valid YAML${place} (${yamlFault(reason)})`;
}
