import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { CommandResult } from "./command.ts";

/**
 * A thread that runs command lines of `matrix-agents`, one after the other: each would take a third of a second to load in a
 * process of its own. Not for `start`, which shuts its process in.
 */
export class CommandThread {
  readonly #worker: Worker;
  #last: Promise<unknown> = Promise.resolve();

  /** @param env the environment's variables; by default those of this process. */
  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.#worker = new Worker(new URL("./command-worker.ts", import.meta.url), { env });
  }

  /** Runs a command line to its end. Nothing is on its standard input. */
  run(args: readonly string[]): Promise<CommandResult> {
    const result = this.#last.then(() => this.#runAlone(args));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #runAlone(args: readonly string[]): Promise<CommandResult> {
    const answered = once(this.#worker, "message") as Promise<[CommandResult]>;
    this.#worker.postMessage(args);
    const [result] = await answered;
    return result;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
