import { spawnSync } from "node:child_process";

/** Programs, and Debian's packages that have them. */
export interface Programs {
  readonly commands: readonly string[];
  readonly packages: readonly string[];
}

/**
 * Sees to it that these programs are there: installs them by apt, where this is root's process.
 *
 * @param lacking names something that is not there yet; undefined when everything is.
 * @returns in words, why they are not; undefined when they are.
 */
export function ensurePrograms(
  { commands, packages }: Programs,
  progress: (line: string) => void = () => undefined,
  lacking: () => string | undefined = () => commands.find((command) => !isThere(command)),
): string | undefined {
  const missing = lacking();
  if (missing === undefined) return undefined;
  const hint = `apt-get install --no-install-recommends ${packages.join(" ")}`;
  if (process.getuid?.() !== 0 || !isThere("apt-get")) return `${missing} is not installed (${hint})`;
  progress(`Installing ${packages.join(" ")} …`);
  apt("update");
  const { status, stderr } = apt("install", "-y", "--no-install-recommends", ...packages);
  const still = lacking();
  return still === undefined
    ? undefined
    : `${still} could not be installed (${hint}: ${status ?? ""} ${String(stderr)})`;
}

export function isThere(command: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", command]).status === 0;
}

function apt(...args: readonly string[]): ReturnType<typeof spawnSync> {
  return spawnSync("apt-get", ["-qq", ...args], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}
