import { spawnSync } from "node:child_process";

/** The programs of a desktop and its clients, and Debian's packages that have them. */
export interface Programs {
  readonly commands: readonly string[];
  readonly packages: readonly string[];
}

export const NHEKO: Programs = { commands: ["nheko"], packages: ["nheko"] };

/** iamb comes from crates.io: `cargo install iamb --version 0.0.12 --locked` takes a quarter of an hour. */
export const IAMB: Programs = {
  commands: ["xfce4-terminal", "iamb"],
  packages: ["xfce4-terminal", "fonts-jetbrains-mono"],
};

const DESKTOP: Programs = {
  commands: ["Xvfb", "dbus-run-session", "openbox", "xdotool", "xprop", "import"],
  packages: [
    "xvfb",
    "dbus",
    "openbox",
    "xdotool",
    "x11-utils",
    "imagemagick",
    "at-spi2-core",
    "python3-gi",
    "gir1.2-atspi-2.0",
    "fonts-dejavu",
    "fonts-noto-color-emoji",
  ],
};

/**
 * Sees to it that the programs of a desktop and these are there: installs them by apt, where this is root's process.
 *
 * @returns in words, why they are not; undefined when they are.
 */
export function ensurePrograms(client: Programs, progress: (line: string) => void): string | undefined {
  const commands = [...DESKTOP.commands, ...client.commands];
  const packages = [...DESKTOP.packages, ...client.packages];
  if (missing(commands) === undefined) return undefined;
  const hint = `apt-get install --no-install-recommends ${packages.join(" ")}`;
  if (process.getuid?.() !== 0 || !isThere("apt-get")) return `${missing(commands) ?? ""} is not installed (${hint})`;
  progress(`Installing ${packages.join(" ")} …`);
  apt("update");
  const { status, stderr } = apt("install", "-y", "--no-install-recommends", ...packages);
  const lacking = missing(commands);
  return lacking === undefined
    ? undefined
    : `${lacking} could not be installed (${hint}: ${status ?? ""} ${String(stderr)})`;
}

function missing(commands: readonly string[]): string | undefined {
  const bindings = ["-c", "import gi; gi.require_version('Atspi', '2.0')"];
  if (spawnSync("/usr/bin/python3", bindings).status !== 0) return "the accessibility bus for Python";
  return commands.find((command) => !isThere(command));
}

function isThere(command: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", command]).status === 0;
}

function apt(...args: readonly string[]): ReturnType<typeof spawnSync> {
  return spawnSync("apt-get", ["-qq", ...args], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}
