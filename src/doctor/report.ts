import type { Finding } from "./check.ts";

/** The result of one check. */
export interface Result {
  readonly check: string;
  readonly findings: readonly Finding[];
}

const SIGNS = { good: "✓", bad: "✗", unknown: "–" } as const;

/** The results for people: each finding on a line, its remedy below. */
export function inLines(results: readonly Result[]): string {
  const width = Math.max(...results.map(({ check }) => check.length));
  return results
    .flatMap(({ check, findings }) =>
      findings.flatMap((finding, index) => {
        const name = (index === 0 ? check : "").padEnd(width);
        const line = `${SIGNS[finding.status]} ${name}  ${printable(finding.text)}`;
        return finding.status === "bad" ? [line, `${" ".repeat(width + 4)}→ ${printable(finding.mend)}`] : [line];
      }),
    )
    .join("\n");
}

/** The results for programs. */
export function inJson(results: readonly Result[]): string {
  return JSON.stringify({ healthy: isHealthy(results), checks: results }, null, 2);
}

/** Whether no check found anything wrong. */
export function isHealthy(results: readonly Result[]): boolean {
  return results.every(({ findings }) => findings.every(({ status }) => status !== "bad"));
}

/** Removes control characters: the text may come from another server, which must not control the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "\ufffd");
}
