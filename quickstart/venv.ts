import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { explainPip } from "./pip-failure.ts";

/** A Python environment could not be made. The message says which package to install, or repeats pip's complaint. */
export class VenvError extends Error {
  override readonly name = "VenvError";
}

/**
 * The packages to install: either all that a requirements file names, each with its allowed hashes, so that nothing
 * else is taken from an index, `alone` where their own requirements are not wanted; or packages by name and version
 * alone, with the newest versions of their requirements.
 */
export type Packages = { readonly locked: string; readonly alone?: boolean } | { readonly named: readonly string[] };

export interface VenvOptions {
  /** Where the environment is made; everything in it is thrown away when it has to be made anew. */
  readonly directory: string;
  readonly packages: Packages;
  /** How much is downloaded, about, in bytes; given, `progress` is told how much of it is there. */
  readonly downloadBytes?: number;
  /** Is told, line by line, the news that a waiting person would like to have. */
  readonly progress: (line: string) => void;
}

/**
 * Makes a Python virtual environment with these packages. Quick when that has been done before; begins anew
 * when an earlier attempt was cut off, the packages differ, the folder was moved or its Python was replaced. Processes
 * that want the same environment at the same time wait for each other.
 *
 * Throws {@link VenvError}.
 */
export async function ensureVenv(options: VenvOptions): Promise<void> {
  const directory = resolve(options.directory);
  if (await isComplete(directory, options.packages)) return;

  await mkdir(dirname(directory), { recursive: true });
  const lock = await open(`${directory}.lock`, "a");
  try {
    await takeLock(lock.fd, options.progress);
    if (await isComplete(directory, options.packages)) return;
    await build(directory, options, lock.fd);
  } finally {
    await lock.close();
  }
}

/** The environment's interpreter. */
export function venvPython(directory: string): string {
  return join(directory, "bin", "python");
}

/** The packages in pip's own words. */
export function wantedOf(packages: Packages): readonly string[] {
  if ("named" in packages) return packages.named;
  return ["--require-hashes", ...(packages.alone === true ? ["--no-deps"] : []), "-r", packages.locked];
}

/** The files of an environment; one whose making or removal was cut off has some of them. */
const PARTS = ["bin", "downloads", "etc", "include", "installed.json", "lib", "lib64", "pyvenv.cfg", "share"];

/** Whether nothing but an environment is lost with the folder. */
async function isDisposable(directory: string): Promise<boolean> {
  const entries = await readdir(directory).catch((error: unknown): string[] => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  return entries.includes("pyvenv.cfg") || entries.every((entry) => PARTS.includes(entry));
}

/** Written last of all, so that an environment without it is known to be unfinished. */
function stampPath(directory: string): string {
  return join(directory, "installed.json");
}

async function isComplete(directory: string, packages: Packages): Promise<boolean> {
  const found = await readFile(stampPath(directory), "utf8").catch(() => undefined);
  return found !== undefined && found === (await stamp(directory, packages));
}

/**
 * The facts that have to be the same for an environment to be usable. Its scripts hold absolute paths, and its packages
 * are for one Python.
 */
async function stamp(directory: string, packages: Packages): Promise<string> {
  const python = await run(venvPython(directory), ["-c", "import sys; print(sys.version)"]);
  const wanted = "named" in packages ? packages.named : await digest(packages.locked);
  return JSON.stringify(
    { directory, packages: wanted, python: python.code === 0 ? python.output.join(" ") : null },
    null,
    2,
  );
}

async function digest(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/**
 * A lock of the kernel's belongs to the open file and is shared with every child that is given the file. So it is held
 * until this process and the pip it started are both gone, however they end, and there is nothing to clean up.
 */
async function takeLock(fd: number, progress: (line: string) => void): Promise<void> {
  const program = `
import fcntl
try:
    fcntl.flock(3, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Another process is installing the same; waiting for it …", flush=True)
    fcntl.flock(3, fcntl.LOCK_EX)
`;
  const locked = await run("python3", ["-c", program], { lock: fd, onLine: progress });
  if (locked.code === "not found") {
    throw new VenvError(
      "Python 3 is needed and there is no python3 on the PATH. Install it (Debian and Ubuntu: apt install python3 python3-venv; macOS: brew install python).",
    );
  }
  if (locked.code !== 0) throw new VenvError(`could not take the lock on the environment:\n${tail(locked.output)}`);
}

async function build(directory: string, options: VenvOptions, lock: number): Promise<void> {
  if (!(await isDisposable(directory))) {
    throw new VenvError(`${directory} holds something else than a Python environment; nothing in it was touched.`);
  }
  await rm(directory, { recursive: true, force: true });
  options.progress("Making a Python environment …");
  await createEmpty(directory, options.progress, lock);

  const named = "named" in options.packages ? options.packages.named : [basename(options.packages.locked, ".txt")];
  options.progress(`Installing ${named.join(", ")} …`);
  const downloads = join(directory, "downloads");
  await mkdir(downloads);
  const watched = watchDownloads(downloads, options);
  const pip = await run(
    venvPython(directory),
    [
      "-m",
      "pip",
      "install",
      "--no-input",
      "--disable-pip-version-check",
      "--progress-bar=off",
      ...wantedOf(options.packages),
    ],
    {
      lock,
      env: { TMPDIR: downloads },
      onLine: (line) => {
        const step = /^\s*(Collecting [^\s(]+|Installing collected packages)/.exec(line)?.[1];
        if (step !== undefined) options.progress(step);
      },
    },
  );
  await watched.end();
  await rm(downloads, { recursive: true, force: true });
  if (pip.code !== 0) {
    throw new VenvError(`pip could not install ${named.join(", ")}: ${explainPip(pip.output)}`);
  }
  await writeFile(stampPath(directory), await stamp(directory, options.packages));
}

const LOOK_MS = 500;

/** Tells how much pip has downloaded: of itself it tells a terminal alone, in many versions. */
function watchDownloads(
  folder: string,
  { downloadBytes, progress }: Pick<VenvOptions, "downloadBytes" | "progress">,
): { end(): Promise<void> } {
  if (downloadBytes === undefined) return { end: () => Promise.resolve() };
  const ended = new AbortController();
  const look = async (): Promise<void> => {
    let told = 0;
    while (await sleep(LOOK_MS, true, { signal: ended.signal }).catch(() => false)) {
      const bytes = await sizeOfFiles(folder);
      if (bytes > told) progress(`${megabytes(bytes)} of ${megabytes(downloadBytes)} MB downloaded`);
      told = Math.max(told, bytes);
    }
  };
  const looking = look();
  return {
    end: () => {
      ended.abort();
      return looking;
    },
  };
}

/** In bytes. A file that is taken away meanwhile does not count. */
async function sizeOfFiles(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(folder, file)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(0);
}

/** Debian and Ubuntu ship Python without what `venv` needs; as root it can be added, otherwise the person is told. */
async function createEmpty(directory: string, progress: (line: string) => void, lock: number): Promise<void> {
  const create = (): Promise<Finished> => run("python3", ["-m", "venv", "--clear", directory], { lock });
  let made = await create();
  if (made.code === 0) return;

  if (/ensurepip|No module named venv/.test(made.output.join("\n"))) {
    const isRoot = process.getuid?.() === 0;
    if (isRoot) {
      progress("Installing python3-venv …");
      await run("apt-get", ["update", "-q"], { lock });
      const apt = await run("apt-get", ["install", "-q", "-y", "--no-install-recommends", "python3-venv"], { lock });
      if (apt.code === 0) made = await create();
    }
    if (made.code !== 0) {
      throw new VenvError(
        "This Python cannot make environments: its venv module is not complete. Install it (Debian and Ubuntu: sudo apt install python3-venv) and try again.",
      );
    }
    return;
  }
  throw new VenvError(`python3 -m venv failed:\n${tail(made.output)}`);
}

interface Finished {
  readonly code: number | "not found" | "killed";
  readonly output: readonly string[];
}

/** Runs a program to its end. `lock` reaches it as its file 3. */
async function run(
  command: string,
  args: readonly string[],
  options: { lock?: number; env?: NodeJS.ProcessEnv; onLine?: (line: string) => void } = {},
): Promise<Finished> {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe", options.lock ?? "ignore"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", PYTHONUNBUFFERED: "1", ...options.env },
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      output.push(line);
      options.onLine?.(line);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      if ("code" in error && error.code === "ENOENT") resolve({ code: "not found", output });
      else reject(error);
    });
    child.on("close", (code) => {
      resolve({ code: code ?? "killed", output });
    });
  });
}

function tail(lines: readonly string[]): string {
  return lines.slice(-15).join("\n");
}
