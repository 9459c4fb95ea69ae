import { existsSync } from "node:fs";

const SHELL = "/bin/sh";

/**
 * From now on this process, when it ends by itself, ends at once, with its exit code. Node would wait for V8's helper
 * threads, and glibc before 2.41 can lose the word that wakes one of them (its bug 25847): the bridge would stay, dead,
 * and nobody would start it again. A program that takes a process's place has the kernel end the threads.
 *
 * It has to be called before the egress guard, which lets nobody else do this. On systems without a shell it does nothing.
 */
export function endWithoutHelpers(): void {
  const execve = process.execve?.bind(process);
  if (execve === undefined || !existsSync(SHELL)) return;
  let isUncaught = false;
  process.on("uncaughtExceptionMonitor", () => {
    isUncaught = process.listenerCount("uncaughtException") === 0;
  });
  process.on("exit", (exitCode) => {
    // Node shows an error that nobody catches only after this.
    if (isUncaught) return;
    // A shell complains about a folder that has been removed.
    process.chdir("/");
    execve(SHELL, ["sh", "-c", `exit ${exitCode}`], {});
  });
}
