import type { FieldValue, FormField } from "../turns/call-input.ts";
import { foldedName } from "./field-names.ts";
import { valueIn } from "./field-value.ts";

/** A form as somebody filled it in, or the first fault. */
export type FormAnswer =
  | { readonly kind: "right"; readonly content: Readonly<Record<string, FieldValue>> }
  | { readonly kind: "wrong"; readonly fault: FormFault };

export type FormFault =
  /** The form has no field, and something was written. */
  | { readonly kind: "nothing_asked" }
  /** The beginning of a line that names no field. */
  | { readonly kind: "no_field"; readonly words: string }
  | { readonly kind: "twice"; readonly field: FormField }
  | { readonly kind: "missing"; readonly field: FormField }
  /** The value does not fit the field. */
  | { readonly kind: "unfit"; readonly field: FormField };

/** The part of a faulty line that is repeated, in characters. */
const LONGEST_REPEATED = 30;

/**
 * Reads how somebody has filled in a form. For one field, the words are its value as they are; for several, each line names
 * one: `field: value`, or `field=value`, of which several may stand in a line. Without a value a field has its fallback.
 * The words are bounded.
 */
export function readFormAnswer(fields: readonly FormField[], words: string): FormAnswer {
  const [first, ...others] = fields;
  const written = words.trim();
  if (first === undefined)
    return written === "" ? { kind: "right", content: {} } : { kind: "wrong", fault: { kind: "nothing_asked" } };
  return filledIn(fields, others.length === 0 ? new Map([[first, written]]) : namedFields(fields, written));
}

/** A form by the words for each field. */
export function filledIn(fields: readonly FormField[], named: Map<FormField, string> | FormFault): FormAnswer {
  if (!(named instanceof Map)) return { kind: "wrong", fault: named };
  const content: [string, FieldValue][] = [];
  for (const field of fields) {
    const said = named.get(field) ?? "";
    const value = said === "" ? field.fallback : valueIn(field, said);
    if (value !== undefined) content.push([field.key, value]);
    else if (said !== "") return { kind: "wrong", fault: { kind: "unfit", field } };
    else if (field.isRequired) return { kind: "wrong", fault: { kind: "missing", field } };
  }
  return { kind: "right", content: Object.fromEntries(content) };
}

/** The words for each field that somebody has named. */
export function namedFields(fields: readonly FormField[], written: string): Map<FormField, string> | FormFault {
  const named = new Map<FormField, string>();
  for (const line of written.split("\n")) {
    if (line.trim() === "") continue;
    const said = readLine(fields, line);
    if (said === undefined) return { kind: "no_field", words: line.trim().slice(0, LONGEST_REPEATED) };
    for (const [field, words] of said) {
      if (named.has(field)) return { kind: "twice", field };
      named.set(field, unquoted(words.trim()));
    }
  }
  return named;
}

/** `field: value`, or one or more `field=value`; undefined where the line begins otherwise. */
function readLine(fields: readonly FormField[], line: string): [FormField, string][] | undefined {
  // Lists in Markdown begin so.
  const plain = line.replace(/^\s*[-*]\s+/, "");
  const [, before = "", mark, after = ""] = /^([^:=]*)([:=])([\s\S]*)$/.exec(plain) ?? [];
  const first = fieldCalled(fields, before);
  if (first === undefined) return undefined;
  if (mark === ":") return [[first, after]];
  const said: [FormField, string[]][] = [[first, []]];
  for (const word of after.split(" ")) {
    const end = word.indexOf("=");
    const next = end === -1 ? undefined : fieldCalled(fields, word.slice(0, end));
    if (next === undefined) said.at(-1)?.[1].push(word);
    else said.push([next, [word.slice(end + 1)]]);
  }
  return said.map(([field, words]) => [field, words.join(" ")]);
}

/** The field of a name, perhaps within backticks, in any way of writing it where that is clear. */
function fieldCalled(fields: readonly FormField[], written: string): FormField | undefined {
  const name = written.trim().replace(/^[`*]{1,2}([^`*]*)[`*]{1,2}$/, "$1");
  const same = fields.find((field) => field.name === name);
  if (same !== undefined || name === "") return same;
  const folded = foldedName(name);
  const alike = fields.filter((field) => foldedName(field.name) === folded);
  return alike.length === 1 ? alike[0] : undefined;
}

function unquoted(words: string): string {
  const [, inside] = /^"([\s\S]*)"$/.exec(words) ?? [];
  return inside ?? words;
}
