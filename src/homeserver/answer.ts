import { UnexpectedAnswer } from "./errors.ts";
import { isObject, type JsonObject } from "../matrix/json.ts";

/** The answer as an object. Throws UnexpectedAnswer when it is none; `call` names the call in the message. */
export function asObject(answer: unknown, call: string): JsonObject {
  if (isObject(answer)) return answer;
  throw new UnexpectedAnswer(call, "the answer is not an object");
}

/** A list of objects. Throws UnexpectedAnswer when it is none. */
export function asObjects(answer: unknown, call: string): readonly JsonObject[] {
  if (!Array.isArray(answer)) throw new UnexpectedAnswer(call, "the answer has no list where one belongs");
  return (answer as unknown[]).map((item) => asObject(item, call));
}

/** A list of strings. Throws UnexpectedAnswer when it is none. */
export function asStrings(answer: unknown, call: string): readonly string[] {
  if (Array.isArray(answer) && answer.every((item) => typeof item === "string")) return answer;
  throw new UnexpectedAnswer(call, "the answer has no list of strings where one belongs");
}

/** A field that must be a string. Throws UnexpectedAnswer when it is none. */
export function stringField(answer: unknown, name: string, call: string): string {
  const value = asObject(answer, call)[name];
  if (typeof value === "string") return value;
  throw new UnexpectedAnswer(call, `the answer has no ${name}`);
}

/** A field that must be a number. Throws UnexpectedAnswer when it is none. */
export function numberField(answer: unknown, name: string, call: string): number {
  const value = asObject(answer, call)[name];
  if (typeof value === "number") return value;
  throw new UnexpectedAnswer(call, `the answer has no ${name}`);
}
