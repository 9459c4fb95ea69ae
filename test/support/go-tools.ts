import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { inCheckout } from "./paths.ts";
import { startProcess } from "./process.ts";

const FOLDER = inCheckout(".cache/go-tools");

/** Programs that are modules of Go, each at the version that is tried. */
const TOOLS = {
  actionlint: "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12",
  helm: "helm.sh/helm/v4/cmd/helm@v4.3.1",
} as const;

/**
 * Builds a program, if it is not there yet.
 *
 * @returns its path, or in words why it can't be had on this machine.
 */
export async function goTool(name: keyof typeof TOOLS): Promise<{ readonly path: string } | { readonly why: string }> {
  const folder = join(FOLDER, TOOLS[name].split("@").at(-1) ?? "");
  const path = join(folder, name);
  if (existsSync(path)) return { path };
  console.error(`Building ${name}; the first time this takes some minutes …`);
  const env = { GOBIN: folder, CGO_ENABLED: "0", PATH: [process.env["PATH"], "/usr/local/go/bin"].join(delimiter) };
  const running = await startProcess({ command: "go", args: ["install", TOOLS[name]], env }).catch(() => undefined);
  if (running === undefined) return { why: "there is no Go on this machine" };
  const { code } = await running.exited;
  if (code !== 0) throw new Error(`${name} can't be built:\n${running.stderr.join("\n")}`);
  return { path };
}

/** Runs a program to its end. */
export async function runTool(
  path: string,
  args: readonly string[],
): Promise<{ code: number | null; said: string; stdout: string }> {
  const running = await startProcess({ command: path, args });
  const { code } = await running.exited;
  return { code, stdout: running.stdout.join("\n"), said: [...running.stdout, ...running.stderr].join("\n") };
}
