import { isObject } from "../matrix/json.ts";

/** The deepest nesting of a value: a deeper one would use up the stack. */
const MAX_DEPTH = 64;

/**
 * A JSON value as text that does not depend on the order of its keys (as RFC 8785, for values that came as JSON).
 * Undefined where it is nested too deeply.
 */
export function canonicalJson(value: unknown): string | undefined {
  return depthOf(value, 0) > MAX_DEPTH ? undefined : JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value ?? null;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}

/** The depth of a value, up to one more than is looked at. */
function depthOf(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return depth;
  let deepest = depth;
  for (const one of Object.values(value)) deepest = Math.max(deepest, depthOf(one, depth + 1));
  return deepest;
}
