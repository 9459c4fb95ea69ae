import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { isObject } from "../matrix/json.ts";
import { watchTree, type TreeLimits } from "./process-tree.ts";
import type { Launch } from "./sandbox.ts";
import { ToolFailure } from "./tool-failure.ts";

/** The longest message of a server, in bytes. */
export const MAX_MESSAGE_BYTES = 8_388_608;

/** The most messages, or other lines, between two of ours. */
const MOST_UNASKED = 10_000;

/** The time that a program has to end after its input, and after a signal, in ms. */
const END_MS = 1_000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * A tool server that is a program: a message a line on its input and output (MCP "stdio"). What it writes beside, on
 * its error output or between messages, is counted and dropped.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #launch: Launch;
  readonly #limits: TreeLimits;
  readonly #watching = new AbortController();
  readonly #lines = new Lines(MAX_MESSAGE_BYTES);
  #child: Child | undefined;
  #unasked = 0;
  /** The reason for which we ended it. */
  #failure: ToolFailure | undefined;
  #closed: Promise<void> | undefined;

  constructor(launch: Launch, limits: TreeLimits) {
    this.#launch = launch;
    this.#limits = limits;
  }

  /** The reason for which the program was ended by us, if it was. */
  get failure(): ToolFailure | undefined {
    return this.#failure;
  }

  /** Starts the program. Throws ToolFailure. */
  async start(): Promise<void> {
    const { file, args, env } = this.#launch;
    const child = spawn(file, args, { env, cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    this.#closed = once(child, "close").then(() => undefined);
    this.#closed.then(
      () => this.#ended(),
      () => this.#ended(),
    );
    try {
      await once(child, "spawn");
    } catch (error) {
      throw new ToolFailure("unreachable", "the program could not be started", { cause: error });
    }
    // Who writes learns of it by the end of the program.
    child.stdin.on("error", () => undefined);
    child.stderr.resume();
    child.stdout.on("data", (bytes: Buffer) => this.#read(bytes));
    const excess = watchTree(child.pid ?? 0, this.#limits, this.#watching.signal);
    excess.then(
      (words) => words !== undefined && this.#fail(new ToolFailure("too_much", words, { mayBeDone: true })),
      (cause: unknown) => this.#fail(new ToolFailure("ended", "it could not be watched", { cause, mayBeDone: true })),
    );
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const child = this.#child;
    if (child?.stdin.writable !== true) throw new ToolFailure("ended", "the program has ended");
    this.#unasked = 0;
    if (!child.stdin.write(`${JSON.stringify(message)}\n`))
      await Promise.race([once(child.stdin, "drain"), this.#closed]);
  }

  /** Ends the program: first it may end by itself. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.stdin.end();
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (await this.#endsSoon()) return;
      child.kill(signal);
    }
    await this.#closed;
  }

  async #endsSoon(): Promise<boolean> {
    const late = new AbortController();
    const ended = await Promise.race([
      this.#closed?.then(() => true),
      sleep(END_MS, false, { signal: late.signal }).catch(() => true),
    ]);
    late.abort();
    return ended ?? true;
  }

  #read(bytes: Buffer): void {
    if (this.#failure !== undefined) return;
    const lines = this.#lines.push(bytes);
    if (lines === undefined) {
      this.#fail(new ToolFailure("too_much", `a message is over ${MAX_MESSAGE_BYTES} bytes`, { mayBeDone: true }));
      return;
    }
    for (const line of lines) {
      if (++this.#unasked > MOST_UNASKED) {
        this.#fail(new ToolFailure("too_much", `it sent over ${MOST_UNASKED} messages unasked`, { mayBeDone: true }));
        return;
      }
      const message = messageIn(line);
      if (message !== undefined) this.onmessage?.(message);
    }
  }

  #fail(failure: ToolFailure): void {
    this.#failure ??= failure;
    this.#child?.kill("SIGKILL");
  }

  #ended(): void {
    this.#watching.abort();
    this.#child = undefined;
    this.onclose?.();
  }
}

/** A message of JSON-RPC in a line; undefined for anything else, such as a line of a log. */
function messageIn(line: string): JSONRPCMessage | undefined {
  if (!line.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) && value["jsonrpc"] === "2.0" ? (value as JSONRPCMessage) : undefined;
  } catch {
    return undefined;
  }
}

/** Cuts bytes into lines of a limited length. */
class Lines {
  readonly #most: number;
  /** The beginning of a line, in pieces: joining them each time would copy them each time. */
  #begun: Buffer[] = [];
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The lines that the bytes complete; undefined once a line is too long. */
  push(bytes: Buffer): string[] | undefined {
    const lines: string[] = [];
    let from = 0;
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      const part = bytes.subarray(from, at);
      if (this.#length + part.length > this.#most) return undefined;
      lines.push(Buffer.concat([...this.#begun, part]).toString());
      [this.#begun, this.#length] = [[], 0];
      from = at + 1;
    }
    this.#begun.push(bytes.subarray(from));
    this.#length += bytes.length - from;
    return this.#length > this.#most ? undefined : lines;
  }
}
