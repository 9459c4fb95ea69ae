import { readFile } from "node:fs/promises";
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { load } from "js-yaml";
import type { ConfigProblem } from "./config-error.ts";
import { FORMATS } from "./formats.ts";

const SCHEMA = new URL("../../config.schema.yaml", import.meta.url);

/** Settings whose values are secret, or may hold one: they are never shown. */
const SECRET = /(^|\.)(url|url_env|[a-z_]*(token|key|password|secret)[a-z_]*)$/;

/**
 * Checks settings against config.schema.yaml and fills in its defaults, in place. Returns all mistakes at once.
 */
export async function checkSchema(settings: Record<string, unknown>): Promise<ConfigProblem[]> {
  const schema = load(await readFile(SCHEMA, "utf8")) as object;
  const ajv = new Ajv2020({
    allErrors: true,
    useDefaults: true,
    discriminator: true,
    verbose: true,
    strictRequired: false,
  });
  for (const [name, format] of Object.entries(FORMATS)) ajv.addFormat(name, (text: string) => format.validate(text));
  const validate = ajv.compile(schema);
  if (validate(settings)) return [];
  return (validate.errors ?? []).filter((error) => error.keyword !== "oneOf").map(problemOf);
}

function problemOf(error: ErrorObject): ConfigProblem {
  const at = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case "required":
      return {
        path: [...at, String(params["missingProperty"])].join("."),
        found: "nothing",
        expected: expectedOf(propertySchema(error.parentSchema, String(params["missingProperty"]))) ?? "this setting",
      };
    case "additionalProperties": {
      const name = String(params["additionalProperty"]);
      const known = Object.keys((error.parentSchema?.["properties"] as object | undefined) ?? {});
      const near = nearest(name, known);
      return {
        path: [...at, name].join("."),
        found: "a setting that does not exist",
        expected: near === undefined ? `one of ${known.join(", ")}` : `did you mean ${near}?`,
      };
    }
    case "propertyNames":
      return {
        path: [...at, String(params["propertyName"])].join("."),
        found: "a name with characters it can't have",
        expected:
          at[0] === "agents" ? "lower-case letters, digits, and . _ = -" : "lower-case letters, digits, and _ -",
      };
    case "discriminator":
      return {
        path: [...at, String(params["tag"])].join("."),
        found: shown(params["tagValue"], "type"),
        expected: "one of demo, ollama",
      };
    case "maxProperties":
    case "minProperties": {
      const known = Object.keys((error.parentSchema?.["properties"] as object | undefined) ?? {});
      return {
        path: at.join("."),
        found: `${Object.keys((error.data as object | undefined) ?? {}).length} settings`,
        expected: known.length === 0 ? "at least one" : `exactly one of ${known.join(", ")}`,
      };
    }
    default:
      return {
        path: at.join("."),
        found: shown(error.data, at.join(".")),
        expected: expectedOf(error.parentSchema) ?? error.message ?? "something else",
      };
  }
}

interface SchemaPart {
  type?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
}

/** What a setting wants, in words. */
function expectedOf(schema: Record<string, unknown> | undefined): string | undefined {
  if (schema === undefined) return undefined;
  const { type, format, minimum, maximum, minLength, maxLength } = schema as SchemaPart;
  const choices = schema["enum"];
  if (Array.isArray(choices)) return `one of ${choices.join(", ")}`;
  if (format !== undefined) return FORMATS[format]?.expected;
  if (type === "integer" || type === "number") {
    const kind = type === "integer" ? "a whole number" : "a number";
    return minimum === undefined ? kind : `${kind} from ${minimum} to ${maximum ?? minimum}`;
  }
  if (type === "string") {
    if (maxLength !== undefined) return `a text of ${minLength ?? 0} to ${maxLength} characters`;
    return minLength === undefined ? "a text" : "a text that is not empty";
  }
  if (type === "boolean") return "true or false";
  if (type === "array") return "a list with at least one entry";
  if (type === "object") return "settings of the form `name: value`";
  return undefined;
}

function propertySchema(parent: object | undefined, name: string): Record<string, unknown> | undefined {
  const properties = (parent as { properties?: Record<string, Record<string, unknown>> } | undefined)?.properties;
  return properties?.[name];
}

/** The value as it may be printed: short, on one line, and never a secret. */
function shown(value: unknown, path: string): string {
  if (SECRET.test(path)) return "a value that is not shown";
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a group of settings";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

/** The known name that a misspelt one most likely means. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.max(2, best.candidate.length / 3) ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
