import { isObject, objectOf } from "../matrix/json.ts";

/** The schema of a tool's arguments: a JSON schema of an object. */
export type ToolSchema = Readonly<Record<string, unknown>>;

/**
 * Keywords that are left out: model servers make grammars of schemas, and fail at patterns, and at references that lead
 * elsewhere. The tool's own server still checks them.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(["pattern", "patternProperties", "format", "$schema", "$id", "$anchor"]);

/** Keywords whose keys are names of the tool's own. */
const NAMED: ReadonlySet<string> = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);

/** The schema of a tool's arguments, for models; undefined where it is none. The value is not nested deeply. */
export function readToolSchema(told: unknown): ToolSchema | undefined {
  if (told === undefined || told === null) return { type: "object", properties: {} };
  if (!isObject(told) || (told["type"] !== undefined && told["type"] !== "object")) return undefined;
  const { properties = {} } = told;
  if (!isObject(properties)) return undefined;
  if (!Object.values(properties).every((one) => isObject(one) || typeof one === "boolean")) return undefined;
  const plain = plainOf(told);
  return plain === undefined
    ? undefined
    : { ...objectOf(plain), type: "object", properties: objectOf(plain)["properties"] ?? {} };
}

/** The schema without {@link LEFT_OUT}; undefined where a reference leads out of it. */
function plainOf(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    const parts = schema.map(plainOf);
    return parts.includes(undefined) ? undefined : parts;
  }
  if (!isObject(schema)) return schema;
  const entries: [string, unknown][] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (LEFT_OUT.has(key)) continue;
    if (key === "$ref" && !(typeof value === "string" && value.startsWith("#"))) return undefined;
    const plain =
      key === "const" || key === "enum" || key === "default" || key === "examples" ? value : plainIn(key, value);
    if (plain === undefined) return undefined;
    entries.push([key, plain]);
  }
  return Object.fromEntries(entries);
}

function plainIn(key: string, value: unknown): unknown {
  if (!NAMED.has(key) || !isObject(value)) return plainOf(value);
  const named = Object.entries(value).map(([name, one]) => [name, plainOf(one)] as const);
  return named.some(([, one]) => one === undefined) ? undefined : Object.fromEntries(named);
}

/**
 * The first fault of arguments, in words for the model; undefined where none is found. Only what a schema says plainly
 * about the arguments themselves is looked at: required ones, unknown ones, their types and choices. A whole schema is
 * a program of strangers, which may run for ever.
 */
export function faultOfArguments(schema: ToolSchema, given: Readonly<Record<string, unknown>>): string | undefined {
  const { required, additionalProperties } = schema;
  const properties = objectOf(schema["properties"]);
  const names = Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
  const missing = names.find((name) => !Object.hasOwn(given, name));
  if (missing !== undefined) return `the argument ${shown(missing)} is missing`;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(properties, name)) {
      if (additionalProperties === false) return `there is no argument ${shown(name)}`;
      continue;
    }
    const { type, enum: choices } = objectOf(properties[name]);
    const types = [type].flat().filter((one) => typeof one === "string");
    if (types.length > 0 && !types.some((one) => isOfType(value, one)))
      return `the argument ${shown(name)} must be of the type ${types.slice(0, 8).map(shown).join(" or ")}`;
    if (Array.isArray(choices) && typeof value !== "object" && !choices.includes(value))
      return `the argument ${shown(name)} must be one of ${shown(JSON.stringify(choices))}`;
  }
  return undefined;
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "object":
      return isObject(value);
    case "array":
      return Array.isArray(value);
    case "null":
      return value === null;
    case "integer":
      return Number.isInteger(value);
    case "string":
    case "number":
    case "boolean":
      return typeof value === type;
    default:
      return true;
  }
}

/** The longest word that a fault quotes, in characters. */
const LONGEST_SHOWN = 200;

function shown(text: string): string {
  return text.slice(0, LONGEST_SHOWN);
}
