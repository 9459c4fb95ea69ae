import { createHmac, randomBytes } from "node:crypto";
import { mkdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dump } from "js-yaml";
import type { Exit } from "./children.ts";
import { tailOf } from "./log-tail.ts";
import { startPython } from "./python-child.ts";
import { ensureVenv } from "./venv.ts";

export type { Exit };

/** The Synapse that the quickstart and the tests run. */
export const SYNAPSE_VERSION = "1.163.2";

/** It and all that it needs, made by `uv pip compile` of the file beside it, as its first lines say. */
const LOCKED = join(import.meta.dirname, "synapse.txt");

/** Makes a Python environment that has this version of Synapse. Quick when it is there. Throws VenvError. */
export async function ensureSynapse(
  venv: string,
  progress: (line: string) => void,
  version = SYNAPSE_VERSION,
): Promise<void> {
  // Later versions of this library can't be used by a Synapse from before them.
  const ofThen = "prometheus-client==0.22.1";
  const packages = version === SYNAPSE_VERSION ? { locked: LOCKED } : { named: [`matrix-synapse==${version}`, ofThen] };
  await ensureVenv({ directory: venv, packages, progress });
}

/** Synapse did not start, or refused a request. The message holds the end of its log or its answer. */
export class SynapseError extends Error {
  override readonly name = "SynapseError";
}

export interface SynapseOptions {
  /** A Python environment made by {@link ensureSynapse}. */
  readonly venv: string;
  /** Everything Synapse keeps. Used again as it is found, so users and rooms outlive a restart. */
  readonly directory: string;
  readonly serverName: string;
  /** The port of 127.0.0.1 for the client-server API. There is no other listener and no federation. */
  readonly port: number;
  /** Absolute paths of application-service registrations. */
  readonly registrations: readonly string[];
  /** Whether to-device messages are pushed in transactions (MSC4203, MSC3202; experimental in Synapse). */
  readonly toDevicePush: boolean;
  /** Top-level settings of homeserver.yaml that replace or add to ours. */
  readonly extraConfig?: Readonly<Record<string, unknown>>;
}

/** A running Synapse. It ends when this process does, however that comes about. */
export interface Synapse {
  readonly pid: number | undefined;
  readonly url: string;
  readonly serverName: string;
  readonly port: number;
  readonly directory: string;
  readonly logFile: string;
  /** Resolves when the process is gone. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Makes an ordinary user. A user of that name who is there already keeps their password. Throws {@link SynapseError}. */
  registerUser(localpart: string, password: string): Promise<void>;
  /** Asks it to end, and ends it when it takes more than 15 s. Idempotent. */
  stop(): Promise<void>;
  /** Sends a signal to the process and does not wait. */
  kill(signal: NodeJS.Signals): void;
}

const START_TIMEOUT_MS = 60_000;
const LOG_LIMIT_BYTES = 20 * 1024 * 1024;

/**
 * Runs Synapse in the foreground with standard input as a life line: the pipe closes when the parent is gone, even by
 * SIGKILL, and Synapse then ends as if it had been asked to.
 */
const RUN_WITH_LIFE_LINE = `
import os, runpy, signal, threading, time
def wait_for_the_end_of_the_parent():
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
    os._exit(1)
threading.Thread(target=wait_for_the_end_of_the_parent, daemon=True).start()
runpy.run_module("synapse.app.homeserver", run_name="__main__", alter_sys=True)
`;

/**
 * Writes the settings and, the first time, keys and secrets, starts Synapse and waits until it answers.
 * Throws {@link SynapseError} with the end of the log when it does not.
 */
export async function startSynapse(options: SynapseOptions): Promise<Synapse> {
  const directory = resolve(options.directory);
  const logFile = join(directory, "homeserver.log");
  const url = `http://127.0.0.1:${options.port}`;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (await isListening(options.port)) {
    throw new SynapseError(`port ${options.port} of 127.0.0.1 is in use by another program`);
  }
  await keep(join(directory, "signing.key"), newSigningKey);
  const secret = await keep(join(directory, "registration_shared_secret"), () => randomBytes(32).toString("hex"));
  await writeConfig(directory, url, secret, options);
  await limitLog(logFile);
  const logStart = await sizeOf(logFile);

  const config = join(directory, "homeserver.yaml");
  const args = ["-c", RUN_WITH_LIFE_LINE, "-c", config];
  const process = await startPython({ venv: options.venv, args, directory, logFile });
  let stopping: Promise<void> | undefined;
  const synapse: Synapse = {
    pid: process.pid,
    url,
    serverName: options.serverName,
    port: options.port,
    directory,
    logFile,
    exited: process.exited,
    registerUser: (localpart, password) => registerUser(url, secret, localpart, password),
    stop: () => (stopping ??= process.stop()),
    kill: (signal) => process.kill(signal),
  };
  try {
    await waitUntilHealthy(url, process.exited);
  } catch (error) {
    await synapse.stop();
    throw new SynapseError(`Synapse did not start; the end of ${logFile}:\n${await tailOf(logFile, logStart)}`, {
      cause: error,
    });
  }
  return synapse;
}

/** Synapse's log: lines on its standard error. */
const LOG = {
  version: 1,
  formatters: { line: { format: "%(asctime)s %(levelname)s %(name)s %(request)s %(message)s" } },
  filters: { context: { "()": "synapse.logging.context.LoggingContextFilter" } },
  handlers: {
    console: {
      class: "logging.StreamHandler",
      stream: "ext://sys.stderr",
      formatter: "line",
      filters: ["context"],
    },
  },
  root: { level: "INFO", handlers: ["console"] },
  disable_existing_loggers: false,
};

async function writeConfig(directory: string, url: string, secret: string, options: SynapseOptions): Promise<void> {
  const generous = { per_second: 1000, burst_count: 1000 };
  const config = {
    server_name: options.serverName,
    public_baseurl: `${url}/`,
    listeners: [
      {
        type: "http",
        port: options.port,
        bind_addresses: ["127.0.0.1"],
        tls: false,
        resources: [{ names: ["client"], compress: false }],
      },
    ],
    database: { name: "sqlite3", args: { database: join(directory, "homeserver.db") } },
    media_store_path: join(directory, "media"),
    pid_file: join(directory, "homeserver.pid"),
    signing_key_path: join(directory, "signing.key"),
    log_config: join(directory, "log.yaml"),
    registration_shared_secret: secret,
    app_service_config_files: options.registrations,
    report_stats: false,
    presence: { enabled: false },
    federation_domain_whitelist: [],
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    rc_message: generous,
    rc_registration: generous,
    rc_login: { address: generous, account: generous, failed_attempts: generous },
    rc_joins: { local: generous, remote: generous },
    rc_joins_per_room: generous,
    rc_invites: { per_room: generous, per_user: generous, per_issuer: generous },
    rc_room_creation: generous,
    rc_key_requests: generous,
    rc_media_create: generous,
    rc_profile: generous,
    ...(options.toDevicePush
      ? {
          experimental_features: {
            msc2409_to_device_messages_enabled: true,
            msc3202_transaction_extensions: true,
          },
        }
      : {}),
    ...options.extraConfig,
  };
  await writeFile(join(directory, "homeserver.yaml"), dump(config), { mode: 0o600 });
  await writeFile(join(directory, "log.yaml"), dump(LOG), { mode: 0o600 });
}

/**
 * The content of a file; it is written when the file is missing, so that it stays the same for the life of the folder.
 */
async function keep(path: string, make: () => string): Promise<string> {
  const kept = await readFile(path, "utf8").catch(() => "");
  if (kept !== "") return kept;
  const fresh = make();
  await writeFile(path, fresh, { mode: 0o600 });
  return fresh;
}

/** The key that `--generate-keys` would write, without the second that another start of Synapse takes. */
function newSigningKey(): string {
  const version = `a_${randomBytes(2).toString("hex")}`;
  return `ed25519 ${version} ${randomBytes(32).toString("base64").replace(/=+$/, "")}\n`;
}

async function waitUntilHealthy(url: string, exited: Promise<Exit>): Promise<void> {
  let exit: Exit | undefined;
  const watched = exited.then((ended) => (exit = ended));
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (exit !== undefined)
      throw new SynapseError(`it ended with ${exit.signal ?? `exit code ${exit.code ?? "none"}`}`);
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    await Promise.race([watched, sleep(100)]);
  }
  throw new SynapseError(`it did not answer within ${START_TIMEOUT_MS / 1000} s`);
}

/**
 * The admin API's shared-secret registration, which Dendrite has too:
 * https://element-hq.github.io/synapse/latest/admin_api/register_api.html. Throws {@link SynapseError}.
 */
export async function registerUser(url: string, secret: string, localpart: string, password: string): Promise<void> {
  const endpoint = `${url}/_synapse/admin/v1/register`;
  const { nonce } = (await (await fetch(endpoint)).json()) as { nonce: string };
  const mac = createHmac("sha1", secret).update([nonce, localpart, password, "notadmin"].join("\0")).digest("hex");
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ nonce, username: localpart, password, mac, admin: false, inhibit_login: true }),
  });
  const body = (await answer.json()) as { errcode?: string; error?: string };
  if (answer.ok || body.errcode === "M_USER_IN_USE") return;
  throw new SynapseError(`Synapse refused to make the user ${localpart}: ${body.error ?? `HTTP ${answer.status}`}`);
}

async function isListening(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      answer(true);
    });
    socket.once("error", () => {
      answer(false);
    });
  });
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

async function limitLog(path: string): Promise<void> {
  if ((await sizeOf(path)) > LOG_LIMIT_BYTES) await truncate(path);
}
