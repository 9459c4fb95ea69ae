import { existsSync } from "node:fs";
import { join } from "node:path";
import { runGo } from "./go.ts";
import { inCheckout } from "./paths.ts";
import { startProcess } from "./process.ts";

const FOLDER = inCheckout(".cache/go-tools");

/** Programs that are modules of Go, each at the version that is tried. */
const TOOLS = {
  actionlint: "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12",
  helm: "helm.sh/helm/v4/cmd/helm@v4.3.1",
} as const;

/** The path of a program, which is built if it is not there yet. Throws VenvError. */
export async function goTool(name: keyof typeof TOOLS): Promise<string> {
  const folder = join(FOLDER, TOOLS[name].split("@").at(-1) ?? "");
  const path = join(folder, name);
  if (existsSync(path)) return path;
  console.error(`Building ${name}; the first time this takes some minutes …`);
  const { code, said } = await runGo("go", ["install", TOOLS[name]], { env: { GOBIN: folder } });
  if (code !== 0) throw new Error(`${name} can't be built:\n${said.join("\n")}`);
  return path;
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
