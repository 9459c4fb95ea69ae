import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureVenv } from "../../quickstart/venv.ts";
import { inCheckout } from "./paths.ts";

const VENV = inCheckout(".cache/linters-venv");
const PACKAGES = { locked: inCheckout("test/support/linters.txt") };

/** Installs the programs that check other file formats. Throws VenvError. */
export async function ensureLinters(): Promise<void> {
  await ensureVenv({ directory: VENV, packages: PACKAGES, progress: (line) => console.error(line) });
}

/** Runs one of them; resolves with its complaints, or "". */
export async function lint(
  program: "check-jsonschema" | "hadolint" | "shellcheck" | "python",
  args: readonly string[],
): Promise<string> {
  try {
    await promisify(execFile)(join(VENV, "bin", program), [...args]);
    return "";
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return `${stdout}${stderr}` || String(error);
  }
}
