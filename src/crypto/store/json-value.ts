import { NotStorable } from "./errors.ts";

/**
 * A value's JSON text. Throws {@link NotStorable} when parsing would give another value: for a typed array, a date, a
 * map, `undefined`, NaN, an infinity, a negative zero, or a hole in an array.
 */
export function toJson(value: unknown): string {
  assertJson(value, "value");
  return JSON.stringify(value);
}

function assertJson(value: unknown, path: string): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value) || Object.is(value, -0)) {
        throw new NotStorable(path, Object.is(value, -0) ? "-0" : String(value));
      }
      return;
    case "object":
      if (value === null) return;
      if (Array.isArray(value)) assertArray(value, path);
      else assertPlainObject(value, path);
      return;
    case "undefined":
    case "bigint":
    case "symbol":
    case "function":
      throw new NotStorable(path, typeof value);
  }
}

function assertArray(array: readonly unknown[], path: string): void {
  // By index, because a hole reads as undefined and is refused. Further properties of the array would be lost.
  for (let index = 0; index < array.length; index++) assertJson(array[index], `${path}[${index}]`);
  if (Object.keys(array).length !== array.length) throw new NotStorable(path, "an array with further properties");
}

function assertPlainObject(object: object, path: string): void {
  if (Object.getPrototypeOf(object) !== Object.prototype) {
    throw new NotStorable(path, Object.prototype.toString.call(object).slice(1, -1));
  }
  if (Object.getOwnPropertySymbols(object).length > 0) throw new NotStorable(path, "an object with symbol keys");
  for (const [name, value] of Object.entries(object)) assertJson(value, `${path}.${name}`);
}
