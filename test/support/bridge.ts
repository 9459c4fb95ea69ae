import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dump } from "js-yaml";
import { ENVIRONMENT_OF_BRIDGE, NODE_OPTIONS_OF_BRIDGE } from "../../quickstart/small-process.ts";
import type { Exit, Synapse } from "../../quickstart/synapse.ts";
import { eventually } from "./eventually.ts";
import { inCheckout } from "./paths.ts";
import { lastLines, startProcess } from "./process.ts";

export interface BridgeSettings {
  /** The folder of config.yaml, registration.yaml and data/; made when missing. */
  readonly directory: string;
  readonly homeserver: Pick<Synapse, "url" | "serverName">;
  /** The port on which the bridge listens for Synapse. */
  readonly port: number;
  /** The URL at which Synapse reaches it, if that is not the port itself. */
  readonly url?: string;
  /** A PostgreSQL URL; left out, the embedded database is used. */
  readonly database?: string;
  readonly providers?: Readonly<Record<string, object>>;
  readonly agents?: Readonly<Record<string, object>>;
  /** Whether the registration asks for pushed to-device messages. */
  readonly toDevicePush?: boolean;
  /** Further top-level sections of config.yaml. */
  readonly extraConfig?: Readonly<Record<string, unknown>>;
}

export interface BridgeFiles {
  /** Path of config.yaml. */
  readonly config: string;
  /** Path of registration.yaml. */
  readonly registration: string;
  readonly asToken: string;
  readonly hsToken: string;
}

/** Writes the files that a bridge starts from. Default: one agent, `demo`, of the built-in demo provider. */
export async function writeBridgeConfig(settings: BridgeSettings): Promise<BridgeFiles> {
  const { directory, homeserver, port, toDevicePush = false } = settings;
  const files = {
    config: join(directory, "config.yaml"),
    registration: join(directory, "registration.yaml"),
    asToken: randomBytes(24).toString("hex"),
    hsToken: randomBytes(24).toString("hex"),
  };
  const domain = homeserver.serverName;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeYaml(files.registration, {
    id: "agents",
    url: settings.url ?? `http://127.0.0.1:${port}`,
    as_token: files.asToken,
    hs_token: files.hsToken,
    sender_localpart: "agents-appservice",
    rate_limited: false,
    namespaces: {
      users: ["agent_.*", "agents"].map((localpart) => ({
        exclusive: true,
        regex: `@${localpart}:${domain.replaceAll(".", "\\.")}`,
      })),
      aliases: [],
      rooms: [],
    },
    ...(toDevicePush ? { receive_ephemeral: true, "org.matrix.msc3202": true } : {}),
  });
  await writeYaml(files.config, {
    homeserver: { url: homeserver.url, domain },
    appservice: { registration: "./registration.yaml", bind: "127.0.0.1", port },
    data_dir: "./data",
    ...(settings.database === undefined ? {} : { database: { url: settings.database } }),
    logging: { level: "debug", format: "json" },
    providers: settings.providers ?? { demo: { type: "demo" } },
    agents: settings.agents ?? { demo: { provider: "demo", display_name: "Demo" } },
    // So that the event after a question is its answer; the tests of these two switch them on.
    answers: { welcome: false, command_menus: false },
    ...settings.extraConfig,
  });
  return files;
}

/** A line of the bridge's log. */
export interface LogLine {
  readonly level: number;
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The bridge in a separate process, as an admin would start it. */
export interface RunningBridge {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  logs(): LogLine[];
  /** Everything it printed on standard error. */
  text(): string;
  /** Sends SIGTERM, and SIGKILL after 20 s; resolves with its exit. */
  stop(): Promise<Exit>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<Exit>;
}

export interface BridgeStart {
  readonly config: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The path of an installed `matrix-agents`; left out, the checkout's source. */
  readonly program?: string;
  /** The longest time until it is ready. Default one minute. */
  readonly timeoutMs?: number;
}

/** Starts the bridge and waits until it logs "ready". Throws with the end of its log when it ends or takes too long. */
export async function startBridge(options: BridgeStart): Promise<RunningBridge> {
  const source = [process.execPath, ...NODE_OPTIONS_OF_BRIDGE, inCheckout("src/main.js")] as const;
  const [command, ...args] = options.program === undefined ? source : [options.program];
  const bridge = await startProcess({
    command,
    args: [...args, "start", "-c", options.config],
    env: { ...ENVIRONMENT_OF_BRIDGE, ...options.env },
  });
  const logs = (): LogLine[] => bridge.stderr.flatMap(parseLine);
  try {
    await eventually(
      "the bridge to be ready",
      () => {
        if (bridge.exit() !== undefined) throw new Error("the bridge ended before it was ready");
        return logs().some((line) => line.msg === "ready");
      },
      { timeoutMs: options.timeoutMs ?? 60_000 },
    );
  } catch (error) {
    await bridge.stop({ signal: "SIGKILL" });
    throw new Error(`the bridge did not start; the end of its log:\n${lastLines(bridge)}`, { cause: error });
  }
  return {
    pid: bridge.pid,
    exited: bridge.exited,
    logs,
    text: () => bridge.stderr.join("\n"),
    stop: () => bridge.stop({ timeoutMs: 20_000 }),
    kill: () => bridge.stop({ signal: "SIGKILL" }),
  };
}

/** A JSON log line; nothing for Node's own output. */
function parseLine(line: string): LogLine[] {
  try {
    return [JSON.parse(line) as LogLine];
  } catch {
    return [];
  }
}

async function writeYaml(path: string, content: object): Promise<void> {
  await writeFile(path, dump(content), { mode: 0o600 });
}
