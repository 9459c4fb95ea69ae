import { readFile, writeFile } from "node:fs/promises";
import { dump, load } from "js-yaml";
import { startBridge, writeBridgeConfig, type BridgeFiles, type BridgeSettings, type RunningBridge } from "./bridge.ts";
import { runCommand, type CommandResult } from "./command.ts";
import { freePort } from "./free-port.ts";
import { DOMAIN } from "./homeserver.ts";
import { createDatabase } from "./postgres.ts";
import { sharedPostgresUrl } from "./services.ts";
import { temporaryDirectory } from "./temporary.ts";
import { startUser, type User, type UserOptions } from "./user.ts";

/** A homeserver of any kind, as tests need it. */
export interface AnyHomeserver {
  /** The address that clients and the bridge use. */
  readonly url: string;
  readonly serverName: string;
  registerUser(localpart: string, password: string): Promise<void>;
  stop(): Promise<unknown>;
}

/** Starts a homeserver on a port, with the bridge's registration. */
export type StartHomeserver<T extends AnyHomeserver> = (given: {
  readonly port: number;
  readonly serverName: string;
  /** The absolute path of the registration. */
  readonly registration: string;
}) => Promise<T>;

/** A homeserver with the bridge and its users. */
export class BridgeOn<T extends AnyHomeserver> {
  readonly homeserver: T;
  readonly files: BridgeFiles;
  readonly #users: User[] = [];
  #bridge: RunningBridge | undefined;

  constructor(homeserver: T, files: BridgeFiles) {
    this.homeserver = homeserver;
    this.files = files;
  }

  /** The running bridge; after a stop, the last one. Throws when none was ever started. */
  get bridge(): RunningBridge {
    if (this.#bridge === undefined) throw new Error("the bridge was not started");
    return this.#bridge;
  }

  /** The user id of an agent of config.yaml. */
  agent(name: string): string {
    return `@agent_${name}:${this.homeserver.serverName}`;
  }

  async startBridge(): Promise<RunningBridge> {
    this.#bridge = await startBridge({ config: this.files.config });
    return this.#bridge;
  }

  /** Starts the bridge on an empty database, as after the loss of its own. */
  async restartOnAnotherDatabase(): Promise<void> {
    const config = load(await readFile(this.files.config, "utf8")) as object;
    const database = { url: await createDatabase(sharedPostgresUrl()) };
    await writeFile(this.files.config, dump({ ...config, database }), { mode: 0o600 });
    await this.startBridge();
  }

  /** Runs `matrix-agents` on the bridge's configuration. */
  command(...args: readonly string[]): Promise<CommandResult> {
    return runCommand([...args, "--config", this.files.config]);
  }

  /** A logged-in person; ended with the rest. */
  async user(kind: User["kind"], localpart: string, options: Pick<UserOptions, "unsigned"> = {}): Promise<User> {
    const user = await startUser({ kind, synapse: this.homeserver, localpart, ...options });
    this.#users.push(user);
    return user;
  }

  /** The lines of the bridge's log at a level, or above. */
  lines(level: number): string[] {
    return this.bridge
      .logs()
      .filter((line) => line.level >= level)
      .map(({ msg }) => msg);
  }

  /** Ends everything. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#users.map((user) => user.stop()));
    await this.#bridge?.stop();
    await this.homeserver.stop();
  }
}

/** Starts a homeserver and the bridge on it, with the demo agent. */
export async function startBridgeOn<T extends AnyHomeserver>(
  start: StartHomeserver<T>,
  settings: Pick<BridgeSettings, "agents" | "providers" | "extraConfig"> & { readonly url?: string } = {},
): Promise<BridgeOn<T>> {
  const [port, bridgePort] = [await freePort(), await freePort()];
  const { url = `http://127.0.0.1:${port}`, ...more } = settings;
  const files = await writeBridgeConfig({
    ...more,
    directory: await temporaryDirectory("bridge"),
    homeserver: { url, serverName: DOMAIN },
    port: bridgePort,
    database: await createDatabase(sharedPostgresUrl()),
  });
  const homeserver = await start({ port, serverName: DOMAIN, registration: files.registration });
  const all = new BridgeOn(homeserver, files);
  try {
    await all.startBridge();
  } catch (error) {
    await all.stop();
    throw error;
  }
  return all;
}
