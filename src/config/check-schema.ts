import { readFile } from "node:fs/promises";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { load } from "js-yaml";
import type { ConfigProblem } from "./config-error.ts";
import { FORMATS, type Format } from "./formats.ts";
import { nearName } from "./near-name.ts";
import { shownPath, shownValue } from "./shown.ts";

const SCHEMA = new URL("../../config.schema.yaml", import.meta.url);

let compiled: Promise<ValidateFunction> | undefined;

/**
 * Checks settings against config.schema.yaml and fills in its defaults, in place. Returns all mistakes, one for each
 * path.
 */
export async function checkSchema(settings: Record<string, unknown>): Promise<ConfigProblem[]> {
  // Compiling the schema takes longer than everything else, and it never changes.
  const validate = await (compiled ??= compileSchema());
  if (validate(settings)) return [];
  // Of several mistakes at one path the last says most: `type`, for example, is first reported as required, then with
  // its choices.
  const problems = new Map<string, ConfigProblem>();
  for (const error of validate.errors ?? []) {
    // Both summarise other errors, which are reported.
    if (error.keyword === "oneOf" || error.keyword === "propertyNames") continue;
    const problem = problemOf(error);
    problems.set(problem.path, problem);
  }
  return [...problems.values()];
}

async function compileSchema(): Promise<ValidateFunction> {
  const schema = load(await readFile(SCHEMA, "utf8")) as object;
  const ajv = new Ajv2020({
    allErrors: true,
    useDefaults: true,
    discriminator: true,
    verbose: true,
    strictRequired: false,
  });
  // Editors show this text for a pattern that does not match, and so do we.
  ajv.addVocabulary(["patternErrorMessage"]);
  for (const [name, format] of Object.entries(FORMATS)) ajv.addFormat(name, (text: string) => format.validate(text));
  return ajv.compile(schema);
}

function problemOf(error: ErrorObject): ConfigProblem {
  const at = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (error.propertyName !== undefined) {
    return {
      path: shownPath([...at, error.propertyName]),
      found: "a name that is not possible",
      expected: expectedOf(error.parentSchema),
    };
  }
  const params = error.params as Record<string, unknown>;
  const properties = (error.parentSchema?.["properties"] ?? {}) as Record<string, Record<string, unknown>>;
  const known = Object.keys(properties).join(", ");
  switch (error.keyword) {
    case "required": {
      const name = String(params["missingProperty"]);
      return { path: shownPath([...at, name]), found: "nothing", expected: expectedOf(properties[name]) };
    }
    case "additionalProperties": {
      const name = String(params["additionalProperty"]);
      const near = nearName(name, Object.keys(properties));
      const hint = near === undefined ? "" : ` (did you mean ${near}?)`;
      return {
        path: shownPath([...at, name]),
        found: `a setting that does not exist${hint}`,
        expected: `one of ${known}`,
      };
    }
    case "discriminator": {
      const path = [...at, String(params["tag"])];
      return {
        path: shownPath(path),
        found: shownValue(params["tagValue"], path),
        expected: `one of ${choicesOf(error).join(", ")}`,
      };
    }
    case "maxProperties":
      return { path: shownPath(at), found: "more than one setting", expected: `only one of ${known}` };
    case "minProperties":
      return { path: shownPath(at), found: "no setting", expected: known === "" ? "at least one" : `one of ${known}` };
    default:
      return { path: shownPath(at), found: shownValue(error.data, at), expected: expectedOf(error.parentSchema) };
  }
}

/** The values of the setting that distinguishes the alternatives of a `oneOf`. */
function choicesOf(error: ErrorObject): string[] {
  const alternatives = error.parentSchema?.["oneOf"] as { properties: Record<string, { const?: string }> }[];
  return alternatives.map(({ properties }) => properties[String(error.params["tag"])]?.const ?? "");
}

/** The keywords with which config.schema.yaml describes a single setting. */
interface SettingSchema {
  readonly type?: "integer" | "number" | "boolean" | "array" | "object" | "string";
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly patternErrorMessage?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** The expected value of a setting, in words. */
function expectedOf(schema: Record<string, unknown> | undefined): string {
  const setting: SettingSchema = schema ?? {};
  const { format, patternErrorMessage, minimum, maximum, minLength, maxLength } = setting;
  if (setting.enum !== undefined) return `one of ${setting.enum.join(", ")}`;
  if (patternErrorMessage !== undefined) return patternErrorMessage;
  if (format !== undefined) return (FORMATS as Record<string, Format>)[format]?.expected ?? format;
  switch (setting.type ?? "string") {
    case "integer":
      return `a whole number from ${minimum} to ${maximum}`;
    case "number":
      return `a number from ${minimum} to ${maximum}`;
    case "boolean":
      return "true or false";
    case "array":
      return "a list with at least one entry";
    case "object":
      return "settings of the form `name: value`";
    case "string":
      return maxLength === undefined
        ? "a text that is not empty"
        : `a text of ${minLength ?? 0} to ${maxLength} characters`;
  }
}
