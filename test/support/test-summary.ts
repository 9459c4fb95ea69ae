import type { run } from "node:test";
import type { TestEvent } from "node:test/reporters";

/** Node ends the report of a run with its totals, one diagnostic each. */
const TOTAL = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/;

type Awaitable<T> = T | Promise<T>;

/**
 * Makes one report of several runs, done one after the other, with one set of totals at its end.
 *
 * @param onFailure called when a run was not a success.
 */
export async function* combine(
  runs: readonly (() => Awaitable<ReturnType<typeof run>>)[],
  onFailure: () => void,
): AsyncGenerator<TestEvent, void> {
  const totals = new Map<string, number>();
  for (const start of runs) {
    for await (const event of (await start()) as AsyncIterable<TestEvent>) {
      const total = event.type === "test:diagnostic" ? totalOf(event.data) : undefined;
      if (total === undefined) yield event;
      else totals.set(total.name, (totals.get(total.name) ?? 0) + total.value);
      if (event.type === "test:summary" && !event.data.success) onFailure();
    }
  }
  for (const [name, value] of totals) {
    yield { type: "test:diagnostic", data: { nesting: 0, level: "info", message: `${name} ${value}` } };
  }
}

function totalOf(data: {
  file?: string;
  nesting: number;
  message: string;
}): { name: string; value: number } | undefined {
  if (data.file !== undefined || data.nesting !== 0) return undefined;
  const [, name, value] = TOTAL.exec(data.message) ?? [];
  return name === undefined ? undefined : { name, value: Number(value) };
}
