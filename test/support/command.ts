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

/**
 * Runs `matrix-agents` as a person would.
 *
 * @param how.uid the user to run it as, which takes root.
 */
export async function runCommand(
  args: readonly string[],
  input = "",
  how: { readonly uid?: number; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [inCheckout("src/main.ts"), ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    ...(how.uid === undefined ? {} : { uid: how.uid, gid: how.uid }),
    ...(how.env === undefined ? {} : { env: { ...process.env, ...how.env } }),
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, stdout, stderr };
}
