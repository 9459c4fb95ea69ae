import type { Finding } from "./check.ts";

/** What one check found. */
export interface Result {
  readonly check: string;
  readonly findings: readonly Finding[];
}

const SIGNS = { good: "✓", bad: "✗", unknown: "–" } as const;

/** The results as people read them: each finding on a line, what mends it below. */
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

/** Whether nothing was found wrong. */
export function isHealthy(results: readonly Result[]): boolean {
  return results.every(({ findings }) => findings.every(({ status }) => status !== "bad"));
}

/** Words of other servers come along; a terminal must not be told what to do by them. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "\ufffd");
}
