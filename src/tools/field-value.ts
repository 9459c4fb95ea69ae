import { LANGUAGES, wordsIn } from "../language/languages.ts";
import type { FieldChoice, FieldValue, FormField } from "../turns/call-input.ts";

/** What a field takes. */
type Takes = Pick<FormField, "kind" | "choices" | "least" | "most">;

const YES: ReadonlySet<string> = new Set(["true", ...LANGUAGES.flatMap((one) => wordsIn(one).tools.agreeing)]);
const NO: ReadonlySet<string> = new Set(["false", ...LANGUAGES.flatMap((one) => wordsIn(one).tools.refusing)]);

/** The value of a field in people's words; undefined where it does not fit the field. The words are bounded. */
export function valueIn(field: Takes, words: string): FieldValue | undefined {
  const value = readValue(field, words);
  return value !== undefined && isFitValue(field, value) ? value : undefined;
}

function readValue({ kind, choices }: Takes, words: string): FieldValue | undefined {
  switch (kind) {
    case "number":
    case "whole_number":
      return /^[+-]?\d{1,40}(?:\.\d{1,40})?(?:e[+-]?\d{1,3})?$/i.test(words) ? Number(words) : undefined;
    case "yes_no": {
      const word = words.toLowerCase();
      return YES.has(word) ? true : NO.has(word) ? false : undefined;
    }
    case "choice":
      return chosen(choices, words);
    case "choices": {
      const whole = chosen(choices, words);
      if (whole !== undefined) return [whole];
      const parts = words.split(/[,;\n]/).map((part) => part.trim());
      const found = parts.filter((part) => part !== "").map((part) => chosen(choices, part));
      return found.every((one) => one !== undefined) ? [...new Set(found)] : undefined;
    }
    case "text":
    case "email":
    case "address":
    case "date":
    case "time":
      return words;
  }
}

/** Whether a value is one that a field takes. */
export function isFitValue({ kind, choices, least = -Infinity, most = Infinity }: Takes, value: FieldValue): boolean {
  const isWithin = (size: number): boolean => size >= least && size <= most;
  switch (kind) {
    case "number":
      return typeof value === "number" && Number.isFinite(value) && isWithin(value);
    case "whole_number":
      return typeof value === "number" && Number.isSafeInteger(value) && isWithin(value);
    case "yes_no":
      return typeof value === "boolean";
    case "choice":
      return choices.some((one) => one.value === value);
    case "choices":
      return (
        Array.isArray(value) &&
        new Set(value).size === value.length &&
        isWithin(value.length) &&
        value.every((one) => choices.some((choice) => choice.value === one))
      );
    case "text":
    case "email":
    case "address":
    case "date":
    case "time":
      // JSON Schema counts code points.
      return typeof value === "string" && isWithin(Array.from(value).length) && FORMATS[kind](value);
  }
}

const FORMATS: Readonly<Record<"text" | "email" | "address" | "date" | "time", (value: string) => boolean>> = {
  text: () => true,
  // RFC 5321 permits more; the server has the last word.
  email: (value) =>
    value.length <= 254 && /^[^\s@<>()",;:\\]+@[^\s@<>()",;:\\.]+(?:\.[^\s@<>()",;:\\.]+)*$/.test(value),
  address: (value) => /^[a-z][a-z0-9+.-]*:\S+$/i.test(value) && URL.canParse(value),
  date: isDate,
  time: (value) => {
    const [, date = "", hours, minutes, seconds] =
      /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/.exec(value) ??
      [];
    return isDate(date) && Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) <= 60;
  },
};

/** RFC 3339 `full-date`. */
function isDate(value: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}

/** The choice that somebody names by its value or its title, in capital or small letters where that is clear. */
function chosen(choices: readonly FieldChoice[], words: string): string | undefined {
  const same = (one: string, other: string): boolean => one.trim() === other;
  const alike = (one: string, other: string): boolean => one.trim().toLowerCase() === other.toLowerCase();
  for (const isNamed of [same, alike]) {
    for (const nameOf of [({ value }: FieldChoice) => value, ({ title }: FieldChoice) => title ?? ""]) {
      const [one, ...others] = choices.filter((choice) => isNamed(nameOf(choice), words));
      if (one !== undefined) return others.length === 0 ? one.value : undefined;
    }
  }
  return undefined;
}
