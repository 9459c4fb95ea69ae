import { join } from "node:path";
import type { Database } from "../../src/database/database.ts";
import type { Exit, Synapse, SynapseOptions } from "../../quickstart/synapse.ts";
import { startBridge, writeBridgeConfig, type BridgeFiles, type BridgeSettings, type RunningBridge } from "./bridge.ts";
import { layEmbedded } from "./embedded.ts";
import { freePort } from "./free-port.ts";
import { DOMAIN, startHomeserver } from "./homeserver.ts";
import { runCommand, type CommandResult, type Surroundings } from "./command.ts";
import { createDatabase } from "./postgres.ts";
import { sharedPostgresUrl } from "./services.ts";
import { temporaryDirectory } from "./temporary.ts";
import { startUser, type User, type UserOptions } from "./user.ts";

/** matrix-nio can't sign its devices, so its partners must not require that. */
export const TRUST_ANYONE = { encryption: { trust: { send: "unverified", read: "unverified" } } };

export interface DeploymentOptions extends Pick<
  BridgeSettings,
  "agents" | "providers" | "toDevicePush" | "extraConfig"
> {
  /** Default `postgres`, which costs half as much: embedded, each bridge's process compiles a PostgreSQL for itself. */
  readonly database?: Database["kind"];
  /** With `postgres`: the server for the database; by default the one that all test files share. */
  readonly postgresUrl?: string;
  readonly synapse?: Partial<Pick<SynapseOptions, "venv" | "extraConfig" | "serverName" | "port" | "registrations">>;
  /** Puts something between two of the programs: resolves with the address to use instead of the given one. */
  readonly through?: (edge: Edge, url: string) => Promise<string>;
}

function direct(_edge: Edge, url: string): Promise<string> {
  return Promise.resolve(url);
}

/** The two ends of a connection. */
export type Edge = "synapse to bridge" | "bridge to synapse" | "bridge to database";

/** A homeserver with the bridge and its users: everything for one test file. */
export class Deployment {
  synapse: Synapse;
  readonly files: BridgeFiles;
  /** The settings of the bridge's files. */
  readonly settings: BridgeSettings;
  readonly #synapseOptions: Partial<SynapseOptions>;
  readonly #users: User[] = [];
  #bridge: RunningBridge | undefined;

  constructor(synapse: Synapse, synapseOptions: Partial<SynapseOptions>, files: BridgeFiles, settings: BridgeSettings) {
    this.synapse = synapse;
    this.files = files;
    this.settings = settings;
    this.#synapseOptions = synapseOptions;
  }

  /** The running bridge; after a stop, the last one. Throws when none was ever started. */
  get bridge(): RunningBridge {
    if (this.#bridge === undefined) throw new Error("the bridge was not started");
    return this.#bridge;
  }

  /** The user id of an agent of config.yaml. */
  agent(name: string): string {
    return `@agent_${name}:${this.synapse.serverName}`;
  }

  /** Starts the bridge on its former files and data. Throws with the end of its log. */
  async startBridge(env: NodeJS.ProcessEnv = {}, timeoutMs?: number): Promise<RunningBridge> {
    this.#bridge = await startBridge({
      config: this.files.config,
      env,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    return this.#bridge;
  }

  /** SIGTERM, or SIGKILL; resolves when the bridge is gone. */
  stopBridge(how: "stop" | "kill" = "stop"): Promise<Exit> {
    return this.bridge[how]();
  }

  /** Runs `matrix-agents` on the bridge's configuration, with this on its standard input. */
  command(args: readonly string[], input = "", how: Surroundings = {}): Promise<CommandResult> {
    return runCommand([...args, "--config", this.files.config], input, how);
  }

  /** Where Synapse keeps its data. */
  get synapseDirectory(): string {
    return this.#synapseOptions.directory ?? "";
  }

  /** Ends Synapse and starts it again on the same port and data. */
  async restartSynapse(): Promise<void> {
    await this.synapse.stop();
    this.synapse = await startHomeserver(this.#synapseOptions);
  }

  /** A logged-in person; ended with the deployment. */
  async user(
    kind: User["kind"],
    localpart: string,
    options: Pick<UserOptions, "unsigned" | "recoveryKey" | "agent"> = {},
  ): Promise<User> {
    const user = await startUser({ kind, synapse: this.synapse, localpart, ...options });
    this.#users.push(user);
    return user;
  }

  /** Ends everything. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#users.map((user) => user.stop()));
    await this.#bridge?.stop();
    await this.synapse.stop();
  }
}

/** Starts Synapse and, on it, the bridge; by default with the demo agent. */
export async function startDeployment(options: DeploymentOptions = {}): Promise<Deployment> {
  const deployment = await prepareDeployment(options);
  try {
    await deployment.startBridge();
  } catch (error) {
    await deployment.stop();
    throw error;
  }
  return deployment;
}

/** The same with the bridge configured and registered but not started yet. */
export async function prepareDeployment(options: DeploymentOptions = {}): Promise<Deployment> {
  const {
    database = "postgres",
    postgresUrl,
    toDevicePush = false,
    synapse: { venv, extraConfig, serverName = DOMAIN, port = await freePort(), registrations = [] } = {},
    through = direct,
    ...bridge
  } = options;
  const bridgePort = await freePort();
  const settings: BridgeSettings = {
    ...bridge,
    toDevicePush,
    directory: await temporaryDirectory("bridge"),
    homeserver: { url: await through("bridge to synapse", `http://127.0.0.1:${port}`), serverName },
    port: bridgePort,
    url: await through("synapse to bridge", `http://127.0.0.1:${bridgePort}`),
    ...(database === "postgres"
      ? { database: await through("bridge to database", await createDatabase(postgresUrl ?? sharedPostgresUrl())) }
      : {}),
  };
  const files = await writeBridgeConfig(settings);
  if (database === "embedded") await layEmbedded(join(settings.directory, "data", "database"));
  const synapseOptions = {
    directory: await temporaryDirectory("synapse"),
    serverName,
    port,
    registrations: [files.registration, ...registrations],
    toDevicePush,
    ...(venv === undefined ? {} : { venv }),
    ...(extraConfig === undefined ? {} : { extraConfig }),
  };
  return new Deployment(await startHomeserver(synapseOptions), synapseOptions, files, settings);
}
