import { isObject, objectOf } from "../matrix/json.ts";
import type { FieldChoice, FieldKind, FieldValue, FormField } from "../turns/call-input.ts";
import { cut } from "../text/cut.ts";
import { fieldNames } from "./field-names.ts";
import { isFitValue } from "./field-value.ts";

/** The most fields of a form. Nobody fills in more in a chat. */
const MOST_FIELDS = 12;

/** The most choices of a field. */
const MOST_CHOICES = 40;

/** The longest names, words about a field, and choices, in characters. */
const LONGEST_KEY = 256;
const LONGEST_ABOUT = 300;
const LONGEST_CHOICE = 100;
const LONGEST_FALLBACK = 500;

/** Keywords by which a schema says more than what is shown of it. */
const FURTHER = ["$ref", "$dynamicRef", "allOf", "not", "if"] as const;

const KINDS_OF_TEXT: ReadonlyMap<unknown, FieldKind> = new Map([
  ["email", "email"],
  ["uri", "address"],
  ["date", "date"],
  ["date-time", "time"],
]);

/**
 * The fields of a form by its `requestedSchema` (MCP 2026-07-28, "Requested Schema"); undefined where it holds anything that
 * can't be shown to people and checked. Patterns are left to the server: they are programs of strangers.
 */
export function readForm(schema: unknown): readonly FormField[] | undefined {
  if (!isObject(schema)) return undefined;
  const { type = "object", properties = {}, required = [] } = schema;
  if (type !== "object" || !isObject(properties) || !Array.isArray(required)) return undefined;
  if ([...FURTHER, "anyOf", "oneOf"].some((word) => Object.hasOwn(schema, word))) return undefined;
  const entries = Object.entries(properties);
  if (entries.length > MOST_FIELDS || required.length > MOST_FIELDS) return undefined;
  if (!required.every((key) => typeof key === "string" && Object.hasOwn(properties, key))) return undefined;
  const fields: FormField[] = [];
  const names = fieldNames(entries.map(([key]) => key));
  for (const [at, [key, told]] of entries.entries()) {
    const name = names[at] ?? key;
    const field = key.length <= LONGEST_KEY && isObject(told) ? readField(told) : undefined;
    if (field === undefined) return undefined;
    fields.push({ key, name, isRequired: required.includes(key), ...field });
  }
  return fields;
}

type ReadField = Omit<FormField, "key" | "name" | "isRequired">;

function readField(told: Readonly<Record<string, unknown>>): ReadField | undefined {
  if (FURTHER.some((word) => Object.hasOwn(told, word))) return undefined;
  const values = valuesOf(told);
  if (values === undefined) return undefined;
  const title = aboutOf(told["title"]);
  const description = aboutOf(told["description"]);
  const field = {
    ...values,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
  };
  const fallback = fallbackOf(told["default"]);
  // A fallback that the form itself does not permit is none.
  return fallback !== undefined && isFitValue(field, fallback) ? { ...field, fallback } : field;
}

function valuesOf(told: Readonly<Record<string, unknown>>): Omit<ReadField, "title" | "description"> | undefined {
  const { type, format, minLength, maxLength, minimum, maximum, minItems, maxItems } = told;
  switch (type) {
    case "string": {
      if (Object.hasOwn(told, "enum") || Object.hasOwn(told, "oneOf")) {
        const choices = choicesOf(told, "oneOf");
        return choices && { kind: "choice", choices };
      }
      if (Object.hasOwn(told, "anyOf")) return undefined;
      return { kind: KINDS_OF_TEXT.get(format) ?? "text", choices: [], ...bounds(minLength, maxLength) };
    }
    case "number":
    case "integer":
      return { kind: type === "number" ? "number" : "whole_number", choices: [], ...bounds(minimum, maximum) };
    case "boolean":
      return { kind: "yes_no", choices: [] };
    case "array": {
      const choices = isObject(told["items"]) ? choicesOf(told["items"], "anyOf") : undefined;
      return choices && { kind: "choices", choices, ...bounds(minItems, maxItems) };
    }
    default:
      return undefined;
  }
}

/** Choices as `enum`, perhaps with `enumNames`, or as a list of constants with titles. */
function choicesOf(told: Readonly<Record<string, unknown>>, list: "oneOf" | "anyOf"): FieldChoice[] | undefined {
  const { enum: plain, enumNames } = told;
  const names = Array.isArray(enumNames) ? (enumNames as readonly unknown[]) : [];
  const listed = told[list] ?? told["oneOf"];
  const all = Array.isArray(plain)
    ? (plain as readonly unknown[]).slice(0, MOST_CHOICES + 1).map((value, at) => choiceOf(value, names[at]))
    : Array.isArray(listed)
      ? (listed as readonly unknown[]).slice(0, MOST_CHOICES + 1).map((one) => {
          const { const: value, title } = objectOf(one);
          return choiceOf(value, title);
        })
      : [];
  const choices = all.filter((choice) => choice !== undefined);
  const isWhole = choices.length === all.length && choices.length > 0 && choices.length <= MOST_CHOICES;
  const areDifferent = new Set(choices.map(({ value }) => value)).size === choices.length;
  return isWhole && areDifferent ? choices : undefined;
}

function choiceOf(value: unknown, title: unknown): FieldChoice | undefined {
  if (typeof value !== "string" || value.trim() === "" || value.length > LONGEST_CHOICE) return undefined;
  const named = typeof title === "string" && title.trim() !== "" && title !== value;
  return named ? { value, title: cut(title, LONGEST_CHOICE) } : { value };
}

function bounds(least: unknown, most: unknown): { readonly least?: number; readonly most?: number } {
  return {
    ...(typeof least === "number" && Number.isFinite(least) ? { least } : {}),
    ...(typeof most === "number" && Number.isFinite(most) ? { most } : {}),
  };
}

function aboutOf(words: unknown): string | undefined {
  return typeof words === "string" && words.trim() !== "" ? cut(words, LONGEST_ABOUT) : undefined;
}

function fallbackOf(value: unknown): FieldValue | undefined {
  if (typeof value === "string") return value.length <= LONGEST_FALLBACK ? value : undefined;
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (!Array.isArray(value) || value.length > MOST_CHOICES) return undefined;
  return value.every((one) => typeof one === "string") ? value : undefined;
}
