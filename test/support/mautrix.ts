import { delimiter } from "node:path";
import { inCheckout } from "./paths.ts";
import { startProcess } from "./process.ts";

/** The client of mautrix-user/, once it is built. */
export const MAUTRIX_USER = inCheckout(".cache/mautrix-user");

/** The user on mautrix-go can't be built. The message says what to install, or quotes Go. */
export class GoError extends Error {
  override readonly name = "GoError";
}

/** Builds the user on mautrix-go; quick when little has changed. Throws {@link GoError}. */
export async function buildMautrixUser(progress: (line: string) => void): Promise<void> {
  progress("Building the user on mautrix-go …");
  // The tag replaces libolm by mautrix-go's own cryptography, so that no C is needed.
  const { code, said } = await runGo("go", "build", "-tags", "goolm", "-buildvcs=false", "-o", MAUTRIX_USER, ".");
  if (code !== 0) throw new GoError(`the user on mautrix-go can't be built:\n${said.join("\n")}`);
}

/** Runs a program of Go's, from `PATH` or where Go's own installer puts it, on the sources. Throws {@link GoError}. */
export async function runGo(
  command: string,
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly said: readonly string[] }> {
  const running = await startProcess({
    command,
    args,
    cwd: inCheckout("test/support/mautrix-user"),
    env: {
      PATH: [process.env["PATH"], "/usr/local/go/bin"].join(delimiter),
      CGO_ENABLED: "0",
      // An older Go then reports that it is too old, instead of downloading another one.
      GOTOOLCHAIN: "local",
    },
  }).catch((error: unknown) => {
    throw new GoError("the user on mautrix-go needs Go 1.26 or newer, and there is none here: see https://go.dev/dl/", {
      cause: error,
    });
  });
  const { code } = await running.exited;
  return { code, said: [...running.stdout, ...running.stderr] };
}
