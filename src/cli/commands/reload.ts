import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { askToReload, type ControlledProcess, type ReloadAnswer } from "../../bridge/control.ts";
import { loadConfig } from "../../config/load.ts";
import { userOfDirectory } from "../../database/sole-user.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { printable } from "../printable.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Has the running bridge of this machine read its configuration again, or shows what that would do. Returns 0; 1 where no bridge
 * runs or something needs a restart, 2 where the bridge finds mistakes. Throws UsageError, and ConfigError for the mistakes
 * that can be seen from here.
 */
export const command = defineCommand({
  summary: "have the running bridge read its configuration again; it takes over all of it or nothing",
  options: { preview: { type: "boolean", meaning: "only show which settings would change, and which need a restart" } },
  async run({ config: file, preview: isPreview }, args) {
    if (args.length > 0) throw new UsageError("reload takes no arguments");
    // A mistake is told before the bridge is asked.
    const config = await loadConfig(file);
    const processes = await askToReload(
      config.dataDir,
      isPreview ? { preview: true } : { preview: false, by: operator() },
    );
    if (processes.length === 0) return nobody(file, config, isPreview);
    const codes: number[] = [];
    for (const one of processes) codes.push(await tell(one, file));
    return Math.max(...codes);
  },
});

async function nobody(
  file: string,
  { database, dataDir }: Awaited<ReturnType<typeof loadConfig>>,
  isPreview: boolean,
): Promise<number> {
  const holder = database === undefined ? await userOfDirectory(dataDir) : undefined;
  if (holder?.kind === "bridge") {
    return fail(`the bridge (pid ${holder.pid}) is starting or stopping; ask again in a moment`, 1);
  }
  const why = `no bridge runs with the data folder ${dataDir}; the next start takes ${file}, which has no mistakes`;
  if (!isPreview) return fail(why, 1);
  process.stdout.write(`${printable(why)}\n`);
  return 0;
}

/** Prints the answer of one process. Returns the exit code. */
async function tell(asked: ControlledProcess, file: string): Promise<number> {
  if (asked.kind === "silent") return fail(`the bridge can't be asked: ${asked.reason}`, 1);
  const { outcome, file: read } = asked.answer;
  const where = (await isSameFile(read, file)) ? "" : ` (the bridge reads ${read})`;
  switch (outcome.kind) {
    case "unchanged":
      return say(`the running bridge has this configuration already${where}`);
    case "applied":
      return say(`applied: ${outcome.changed.join(", ")}${where}`);
    case "changes":
      return say(`would be applied without a restart: ${outcome.changed.join(", ")}${where}`);
    case "restart":
      return fail(restartInWords(outcome, where), 1);
    case "mistakes":
      return fail(`the bridge finds mistakes, and keeps its configuration${where}: ${outcome.reason}`, 2);
  }
}

function restartInWords(
  { restart, untouched }: Extract<ReloadAnswer["outcome"], { kind: "restart" }>,
  where: string,
): string {
  const others = untouched.length === 0 ? "" : `; these wait for it: ${untouched.join(", ")}`;
  return `only a restart applies ${restart.join(", ")}${others}; the running bridge keeps its configuration${where}`;
}

function say(words: string): number {
  process.stdout.write(`${printable(words)}\n`);
  return 0;
}

function fail(words: string, code: number): number {
  const lines = words.split("\n").map(printable);
  process.stderr.write(`matrix-agents: ${lines.join("\n")}\n`);
  return code;
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, resolve(other)].map((path) => realpath(path).catch(() => path)));
  return a === b;
}
