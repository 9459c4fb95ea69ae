import { inCheckout } from "./paths.ts";
import { startProcess } from "./process.ts";

/** Runs `npm run check`; resolves with its complaint, if any. A signal ends it silently. */
export async function check(signal: AbortSignal): Promise<string | undefined> {
  const npm = await startProcess({ command: "npm", args: ["run", "--silent", "check"], cwd: inCheckout(".") });
  const end = (): void => {
    // npm and its child processes form a group.
    if (npm.exit() === undefined) process.kill(-npm.pid, "SIGTERM");
  };
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  const { code } = await npm.exited;
  signal.removeEventListener("abort", end);
  return code === 0 || signal.aborted ? undefined : [...npm.stdout, ...npm.stderr].join("\n");
}
