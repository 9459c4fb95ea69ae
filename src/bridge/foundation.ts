import { EventEmitter } from "node:events";
import { AgentDirectory } from "../agents/agent-directory.ts";
import { GivenNames } from "../agents/given-names.ts";
import { Background } from "../concurrency/background.ts";
import type { Config } from "../config/config.ts";
import type { FixedConfig, LiveConfig } from "../config/live.ts";
import type { Registration } from "../config/registration.ts";
import type { Database } from "../database/database.ts";
import { observedDatabase } from "../database/observed.ts";
import { locationOf, openDatabase } from "../database/open.ts";
import { createHomeserverClient, type HomeserverClient } from "../homeserver/client.ts";
import { Processes } from "../leases/processes.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { changedProviders, providersOf } from "../providers/providers.ts";
import type { Provider } from "../providers/provider.ts";
import type { Closers } from "./closers.ts";

/** The configured providers. */
export class Providers {
  #now: ReadonlyMap<string, Provider>;

  constructor(providers: ReadonlyMap<string, Provider>) {
    this.#now = providers;
  }

  /** By their names. */
  get now(): ReadonlyMap<string, Provider> {
    return this.#now;
  }

  /** Makes the providers of another configuration, and resolves with the function that puts them in force. */
  async prepare(before: Config, after: Config, log: Logger, metrics: Metrics | undefined): Promise<() => void> {
    const next = await changedProviders(this.#now, before, after, log, metrics);
    return () => {
      this.#now = next;
    };
  }
}

/** Events for parts that are made later than the part that announces them. */
export type Happenings = EventEmitter<{ readonly homeserverLost: [error: unknown]; readonly homeserverReturned: [] }>;

/** The base of all parts of the bridge. */
export interface Foundation {
  readonly live: LiveConfig;
  /** The part of the configuration that is fixed at the start. */
  readonly config: FixedConfig;
  /** The present configuration: code reads it anew each time. */
  readonly settings: () => Config;
  readonly registration: Registration;
  readonly botUserId: string;
  readonly database: Database;
  readonly processes: Processes;
  readonly client: HomeserverClient;
  readonly providers: Providers;
  readonly directory: AgentDirectory;
  readonly happenings: Happenings;
  readonly background: Background;
  readonly closers: Closers;
  /** Aborted when the bridge starts to stop. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
  readonly metrics: Metrics | undefined;
}

/** The parts that exist before anything is made. */
export type Given = Pick<Foundation, "live" | "registration" | "closers" | "stopping" | "log" | "metrics">;

/** Opens the database, registers this process, and reads the agents. Throws DatabaseError. */
export async function layFoundation(given: Given): Promise<Foundation> {
  const { live, registration, closers, log, metrics } = given;
  const settings = (): Config => live.now();
  const config = settings();
  const opened = await openDatabase(locationOf(config), log);
  const database = metrics === undefined ? opened : observedDatabase(opened, metrics);
  closers.add(() => database.close());
  const processes = await Processes.join(database, { expireAfterMs: config.leases.expireAfterMs, log });
  closers.add(() => processes.leave());
  const happenings: Happenings = new EventEmitter();
  const client = createHomeserverClient({
    url: config.homeserver.url,
    ca: config.homeserver.ca,
    asToken: registration.asToken,
    log,
    metrics,
    onAbsence: (error) => happenings.emit("homeserverLost", error),
    onReturn: () => happenings.emit("homeserverReturned"),
  });
  closers.add(() => client.close());
  const providers = new Providers(await providersOf(config, log, metrics));
  const directory = new AgentDirectory(settings, () => providers.now, new GivenNames(database), log);
  closers.add(() => directory.stop());
  await directory.refresh();
  const background = new Background(log);
  closers.add(() => background.idle());
  const botUserId = `@${config.appservice.bot}:${config.homeserver.domain}`;
  return {
    ...given,
    config,
    settings,
    botUserId,
    database,
    processes,
    client,
    providers,
    directory,
    happenings,
    background,
  };
}
