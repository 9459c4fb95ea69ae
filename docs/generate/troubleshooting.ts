import { readFile } from "node:fs/promises";
import { ERROR_LINES } from "../../src/observability/error-lines.ts";
import { OPERATOR_ERRORS, type OperatorErrorKind } from "../../src/observability/operator-error.ts";
import { table } from "./table.ts";

/** docs/troubleshooting.md, with the tables in it that are made of their sources. */
export async function troubleshootingPage(): Promise<string> {
  const page = await readFile(new URL("../troubleshooting.md", import.meta.url), "utf8");
  const errors = table(["it says", "exit code", "what to do"], errorRows());
  const lines = table(["message", "what to do"], Object.entries(ERROR_LINES));
  return withTable(withTable(page, "It does not start", errors), "Errors in the log", lines);
}

function errorRows(): string[][] {
  return Object.values<OperatorErrorKind>(OPERATOR_ERRORS).flatMap(({ exitCode, cases }) =>
    cases.map(({ says, mend }) => [says.join("<br>"), String(exitCode), mend]),
  );
}

/** Puts a table in the place of the one in a section. Throws when the section or its table is not there. */
function withTable(page: string, title: string, made: string): string {
  const start = page.indexOf(`\n## ${title}\n`);
  const next = page.indexOf("\n## ", start + 1);
  const section = page.slice(start, next === -1 ? undefined : next);
  const former = /^\|.*\|$(?:\n\|.*\|$)*/m.exec(section)?.[0];
  if (start === -1 || former === undefined) throw new Error(`docs/troubleshooting.md has no table under "${title}"`);
  return page.slice(0, start) + section.replace(former, () => made) + (next === -1 ? "" : page.slice(next));
}
