// Carries out what docker/ says without a container engine, and talks with the agent that comes of it: npm run test:image
// docker/Dockerfile's steps are carried out by hand, docker/setup.sh is run, and the services of docker/compose.yaml are started
// with their volumes, secrets, users and read-only root file systems, in place of their images with programs of this machine, in
// a network of their own that leads nowhere. Needs Linux and root; Debian's programs are installed.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureVenv } from "../../quickstart/venv.ts";
import { inCheckout, SYNAPSE_POSTGRES_PACKAGES, SYNAPSE_POSTGRES_VENV } from "../support/paths.ts";
import { ensurePrograms, isThere, type Programs } from "../support/debian.ts";
import { buildImage } from "./dockerfile.ts";
import { tryStack } from "./stack.ts";
import { noFilter } from "./syscall-filter.ts";

/** The most that the image has above its base, in MiB; it takes 38. */
const MOST_MIB = 60;

const PROGRAMS: Programs = {
  commands: ["unshare", "setpriv", "psql", "nginx", "ip", "systemd-analyze"],
  packages: ["util-linux", "postgresql-client", "nginx-light", "iproute2", "systemd", "python3-seccomp"],
};

const run = promisify(execFile);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const [, , inside] = process.argv;
try {
  if (inside === undefined) await outside();
  else await tryStack({ folder: inside, synapse: SYNAPSE_POSTGRES_VENV, say });
  // Ends everything that still listens.
  if (inside !== undefined) process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}

/** The step that needs the network: packages. Everything else happens in a process without one. */
async function outside(): Promise<void> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) throw new Error("this needs Linux and root");
  const missing = ensurePrograms(PROGRAMS, say, () => PROGRAMS.commands.find((name) => !isThere(name)) ?? noFilter());
  if (missing !== undefined) throw new Error(missing);
  await ensureVenv({ directory: SYNAPSE_POSTGRES_VENV, packages: SYNAPSE_POSTGRES_PACKAGES, progress: say });
  const folder = await mkdtemp(join(tmpdir(), "matrix-agents-image-"));
  try {
    // Everybody may enter; the content has its own modes.
    await chmod(folder, 0o711);
    const image = await buildImage(inCheckout("."), folder, say);
    await writeFile(join(folder, "image.json"), JSON.stringify(image));
    const { stdout } = await run("du", ["-sm", image.root]);
    const size = Number.parseInt(stdout, 10);
    say(`the image is ${size} MiB above its base`);
    if (size > MOST_MIB) throw new Error(`it was to be at most ${MOST_MIB}`);

    const isOurs = (source: string): boolean => !/\/docker\/(local|\.env)$/.test(source);
    await cp(inCheckout("docker"), join(folder, "docker"), { recursive: true, filter: isOurs });
    await run("sh", [join(folder, "docker/setup.sh"), "localhost"]);
    await mkdir(join(folder, "app"));
    await writeFile(join(folder, "app/index.html"), "Element Web would be here");
    await writeFile(join(folder, "app/config.json"), "");

    const node = [process.execPath, import.meta.filename, folder];
    const up = 'ip link set lo up; exec "$@"';
    const child = spawn("unshare", ["--mount", "--net", "--propagation", "private", "sh", "-euc", up, "sh", ...node], {
      stdio: "inherit",
    });
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
    const [code] = (await once(child, "exit")) as [number | null];
    process.exitCode = code ?? 1;
    if (code !== 0) say((await readFile(join(folder, "stack.log"), "utf8").catch(() => "")).slice(-5_000));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
