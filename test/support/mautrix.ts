import { inCheckout } from "./paths.ts";
import { runGo } from "./go.ts";

/** The client of mautrix-user/, once it is built. */
export const MAUTRIX_USER = inCheckout(".cache/mautrix-user");

/** Its sources. */
export const MAUTRIX_SOURCES = inCheckout("test/support/mautrix-user");

/** The user on mautrix-go can't be built. The message quotes Go. */
export class GoError extends Error {
  override readonly name = "GoError";
}

/** Builds the user on mautrix-go; quick when little has changed. Throws {@link GoError} and VenvError. */
export async function buildMautrixUser(progress: (line: string) => void): Promise<void> {
  progress("Building the user on mautrix-go …");
  // The tag replaces libolm by mautrix-go's own cryptography, so that no C is needed.
  const args = ["build", "-tags", "goolm", "-buildvcs=false", "-o", MAUTRIX_USER, "."];
  const { code, said } = await runGo("go", args, { cwd: MAUTRIX_SOURCES });
  if (code !== 0) throw new GoError(`the user on mautrix-go can't be built:\n${said.join("\n")}`);
}
