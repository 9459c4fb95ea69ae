import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { inCheckout } from "./paths.ts";

/** The end of a command. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `matrix-agents` as a person would. */
export async function runCommand(args: readonly string[], input = ""): Promise<CommandResult> {
  const child = spawn(process.execPath, [inCheckout("src/main.ts"), ...args], { stdio: ["pipe", "pipe", "pipe"] });
  const exited = once(child, "exit") as Promise<[number | null]>;
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, stdout, stderr };
}
