import { execFile, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { inCheckout } from "../support/paths.ts";
import type { Stand } from "./container.ts";

/** Debian's, because it has libseccomp. */
const PYTHON = "/usr/bin/python3";

/** Refuses all system calls that a file does not name, as the unit does, and becomes another program. */
const LAUNCHER = `
import errno, os, seccomp, sys
filter = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
for name in open(sys.argv[1]).read().split():
    try:
        filter.add_rule(seccomp.ALLOW, name)
    except (RuntimeError, OSError):
        pass  # a call of another machine's
filter.load()
os.execvp(sys.argv[2], sys.argv[2:])
`;

/** The beginning of a command, so that it runs under the system calls that the unit allows. */
export interface SyscallFilter {
  readonly stand: Stand;
  readonly command: readonly string[];
}

/** The part of a filter that this machine lacks. */
export function noFilter(): string | undefined {
  return spawnSync(PYTHON, ["-c", "import seccomp"]).status === 0 ? undefined : "python3-seccomp";
}

/** The filter of docker/systemd/matrix-agents.service. */
export async function unitFilter(folder: string): Promise<SyscallFilter> {
  const { stdout } = await promisify(execFile)("systemd-analyze", ["syscall-filter", "--no-pager"]);
  const sets = new Map<string, string[]>();
  for (const line of stdout.replace(/\n# .*/s, "").split("\n")) {
    if (line.startsWith("@")) sets.set(line.trim(), []);
    else if (line.trim() !== "" && !line.trim().startsWith("#")) [...sets.values()].at(-1)?.push(line.trim());
  }
  const expand = (name: string): string[] => (name.startsWith("@") ? (sets.get(name) ?? []).flatMap(expand) : [name]);

  const unit = await readFile(inCheckout("docker/systemd/matrix-agents.service"), "utf8");
  const allowed = new Set(expand("@default"));
  for (const [, minus, names = ""] of unit.matchAll(/^SystemCallFilter=(~?)(.*)$/gm)) {
    for (const call of names.split(" ").flatMap(expand)) {
      if (minus === "~") allowed.delete(call);
      else allowed.add(call);
    }
  }
  await writeFile(join(folder, "calls"), [...allowed].join("\n"));
  await writeFile(join(folder, "launcher.py"), LAUNCHER);
  return {
    stand: ["calls", "launcher.py"].map((name) => [join(folder, name), `/image/${name}`]),
    command: [PYTHON, "/image/launcher.py", "/image/calls"],
  };
}
