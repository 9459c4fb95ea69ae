import { setTimeout as sleep } from "node:timers/promises";

/** Looks at one thing that has to be well: resolves with what is wrong, in words for the admin, or undefined. */
export type Check = () => Promise<string | undefined>;

/** Whether the process can take and answer messages now, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  /** Each by its name: `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

/** A check that takes longer has failed, in ms: who asks does not wait for ever. */
export const CHECK_LIMIT_MS = 4_000;

/** Makes all checks, side by side. A check that throws has failed; none keeps the others from being told. */
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
