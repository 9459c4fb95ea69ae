/** A JSON object from outside: nothing is known of its fields. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object, and no list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as an object: one without fields where it is none. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
