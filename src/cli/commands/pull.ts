import { beginPull } from "../../agents/pull.ts";
import type { AuditEntry } from "../../audit/audit-entry.ts";
import { AuditLog } from "../../audit/audit-log.ts";
import type { Config } from "../../config/config.ts";
import { loadConfig } from "../../config/load.ts";
import { DatabaseError, NO_DATABASE } from "../../database/database.ts";
import { DatabaseInUse } from "../../database/sole-user.ts";
import { createLogger } from "../../observability/log.ts";
import { createOllamaProvider } from "../../providers/ollama.ts";
import { ProviderError, type PullProgress } from "../../providers/provider.ts";
import { openTelling } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { explainStartFailure } from "../start-failure.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Shows the progress. Returns 0 when the model is installed, 1 when that failed. Throws UsageError, ConfigError, and
 * the error of opening the database.
 */
export const command = defineCommand({
  summary: "have an Ollama server install a model",
  arguments: { "[PROVIDER] MODEL": "the provider is optional when there is only one Ollama" },
  options: {},
  examples: ["matrix-agents pull llama3.2"],
  async run({ config: file }, args) {
    const config = await loadConfig(file);
    const { name, settings, model } = chosen(config, args);
    const provider = createOllamaProvider({ name, ...settings, log: createLogger("warn", "auto") });
    const interrupted = new AbortController();
    process.once("SIGINT", () => interrupted.abort());
    const { signal } = interrupted;
    const note = (entry: AuditEntry): Promise<void> => noteIn(config, entry);
    return show(await beginPull({ provider, model, by: operator(), note, signal }), model, name);
  },
});

/** Throws {@link UsageError}. */
function chosen(config: Config, args: readonly string[]) {
  const able = [...config.providers].filter(([, { type }]) => type === "ollama").map(([name]) => name);
  const [first = "", second] = args;
  const [name, model] = second === undefined ? [able[0] ?? "", first] : [first, second];
  const known = able.join(", ") || "none";
  if (model === "" || args.length > 2 || (second === undefined && able.length !== 1)) {
    throw new UsageError(`name a model: matrix-agents pull [PROVIDER] MODEL; providers of type ollama: ${known}`);
  }
  const settings = config.providers.get(name);
  if (settings?.type !== "ollama") throw new UsageError(`"${name}" is no provider of type ollama; those are: ${known}`);
  return { name, settings, model };
}

async function show(pulling: AsyncIterable<PullProgress>, model: string, provider: string): Promise<number> {
  const { isTTY: isTerminal } = process.stdout;
  let shown = "";
  try {
    for await (const progress of pulling) {
      const line = lineOf(progress, isTerminal);
      if (line === shown) continue;
      shown = line;
      process.stdout.write(isTerminal ? `\r\u001b[K${line}` : `${line}\n`);
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    process.stderr.write(`${isTerminal ? "\n" : ""}${model} was not installed: ${error.message}\n`);
    return 1;
  }
  process.stdout.write(`${isTerminal ? "\n" : ""}${model} is installed on ${provider}\n`);
  return 0;
}

/** A database that can't be had now must not stop the installation of a model. */
async function noteIn(config: Config, entry: AuditEntry): Promise<void> {
  try {
    const database = await openTelling(config);
    await new AuditLog(database).record(database, entry).finally(() => database.close());
  } catch (error) {
    // The audit log begins with the first start.
    if (error instanceof DatabaseError && error.code === NO_DATABASE) return;
    if (!(error instanceof DatabaseInUse)) throw explainStartFailure(error, config);
    process.stderr.write(`the audit log does not get this command: ${error.message}\n`);
  }
}

/** A terminal shows every percent, other outputs every tenth. */
function lineOf({ status, completed, total }: PullProgress, isTerminal: boolean): string {
  if (completed === undefined || total === undefined || total <= 0) return status;
  const percent = Math.floor((completed / total) * 100);
  return `${status}: ${isTerminal ? percent : Math.floor(percent / 10) * 10} %`;
}
