import { spawnSync } from "node:child_process";
import { ensurePrograms as ensure, isThere, type Programs } from "../support/debian.ts";

export type { Programs };

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
  return ensure({ commands, packages }, progress, () => missing(commands));
}

function missing(commands: readonly string[]): string | undefined {
  const bindings = ["-c", "import gi; gi.require_version('Atspi', '2.0')"];
  if (spawnSync("/usr/bin/python3", bindings).status !== 0) return "the accessibility bus for Python";
  return commands.find((command) => !isThere(command));
}
