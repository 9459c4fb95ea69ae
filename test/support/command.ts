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

/** The surroundings of a command. */
export interface Surroundings {
  /** The user to run it as, which takes root. */
  readonly uid?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Whether it has a terminal, 200 columns wide; all that it writes is then on standard output. */
  readonly terminal?: boolean;
  /** Whether the system takes no byte of any file that it writes, like a full disk. */
  readonly writesNothing?: boolean;
}

/** Runs `matrix-agents` as a person would. */
export async function runCommand(args: readonly string[], input = "", how: Surroundings = {}): Promise<CommandResult> {
  const terminal = how.terminal === true ? ["python3", inCheckout("test/support/pseudo_terminal.py"), "200", "50"] : [];
  const limited = how.writesNothing === true ? ["sh", "-c", 'ulimit -f 0; exec "$0" "$@"'] : [];
  const [program = "", ...whole] = [...limited, ...terminal, process.execPath, inCheckout("src/main.js"), ...args];
  const child = spawn(program, whole, {
    stdio: ["pipe", "pipe", "pipe"],
    ...(how.uid === undefined ? {} : { uid: how.uid, gid: how.uid }),
    ...(how.env === undefined ? {} : { env: { ...process.env, ...how.env } }),
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, stdout: stdout.replaceAll("\r\n", "\n"), stderr };
}
