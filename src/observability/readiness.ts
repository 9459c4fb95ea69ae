import { setTimeout as sleep } from "node:timers/promises";

/** Checks one condition. It resolves with the fault in words for the admin, or with undefined when all is well. */
export type Check = () => Promise<string | undefined>;

/** Whether the process can take and answer messages now, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  /** Each check by its name, with `ok` or its fault. */
  readonly checks: Readonly<Record<string, string>>;
}

/** A check that takes longer than this, in ms, has failed: the caller does not wait for ever. */
const CHECK_LIMIT_MS = 4_000;

/** Runs all checks side by side. A check that throws has failed; the others are still reported. */
export async function readinessOf(
  checks: Readonly<Record<string, Check>>,
  limitMs = CHECK_LIMIT_MS,
): Promise<Readiness> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, (await within(check, limitMs)) ?? "ok"] as const),
  );
  return { ready: results.every(([, result]) => result === "ok"), checks: Object.fromEntries(results) };
}

async function within(check: Check, limitMs: number): Promise<string | undefined> {
  const patience = new AbortController();
  try {
    return await Promise.race([
      check(),
      sleep(limitMs, `no answer within ${limitMs / 1000} s`, { signal: patience.signal, ref: false }),
    ]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    patience.abort();
  }
}
