import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openEmbedded } from "../../src/database/embedded.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { TRUST_ANYONE, prepareDeployment, type Deployment, type DeploymentOptions } from "../support/deployment.ts";
import { startHttpProxy, type HttpProxy } from "../support/http-proxy.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { inCheckout } from "../support/paths.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import type { User } from "../support/user.ts";
import { Ledger, type Chat } from "./ledger.ts";

export type WorldOptions = Pick<DeploymentOptions, "database" | "postgresUrl" | "toDevicePush" | "extraConfig">;

/** A homeserver, a bridge and two people, with a proxy on every edge between them and the bridge. */
export class World {
  readonly deployment: Deployment;
  readonly ledger = new Ledger();
  readonly ollama: OllamaServer;
  /** From the homeserver to the bridge. */
  readonly transactions: HttpProxy;
  /** From the bridge to the homeserver. */
  readonly homeserver: HttpProxy;
  /** From the bridge to PostgreSQL; undefined with the embedded database. */
  readonly database: TcpProxy | undefined;
  /** From the bridge to the model server. */
  readonly model: TcpProxy;
  /** The destination of transactions; the bridge's port unless a scenario says otherwise. */
  route: () => number;
  readonly agent: string;
  people: readonly User[] = [];
  chats: readonly Chat[] = [];

  private constructor(
    parts: Pick<World, "deployment" | "ollama" | "transactions" | "homeserver" | "database" | "model" | "route">,
  ) {
    this.deployment = parts.deployment;
    this.ollama = parts.ollama;
    this.transactions = parts.transactions;
    this.homeserver = parts.homeserver;
    this.database = parts.database;
    this.model = parts.model;
    this.route = parts.route;
    this.agent = parts.deployment.agent("llama");
  }

  /** Starts all of it, the bridge too, with an encrypted direct chat for each of two people. */
  static async start(options: WorldOptions = {}, env?: NodeJS.ProcessEnv): Promise<World> {
    const ollama = await startOllamaServer();
    ollama.install("llama3.2", { tokenMs: 5 });
    const model = await startTcpProxy(Number(new URL(ollama.url).port));
    const ports = { homeserver: 0, bridge: 0 };
    const homeserver = await startHttpProxy(() => ports.homeserver);
    const transactions = await startHttpProxy(() => world.route());
    let database: TcpProxy | undefined;
    const deployment = await prepareDeployment({
      database: "postgres",
      ...options,
      // All questions must be answered here; the limit of the queue has a scenario of its own.
      extraConfig: { turns: { max_queued: 1_000 }, ...TRUST_ANYONE, ...options.extraConfig },
      providers: { ollama: { type: "ollama", url: `http://127.0.0.1:${model.port}` } },
      agents: { llama: { provider: "ollama", model: "llama3.2" } },
      through: async (edge, address) => {
        const url = new URL(address);
        switch (edge) {
          case "bridge to synapse":
            ports.homeserver = Number(url.port);
            return homeserver.url;
          case "synapse to bridge":
            ports.bridge = Number(url.port);
            return transactions.url;
          case "bridge to database":
            database = await startTcpProxy(Number(url.port));
            url.port = String(database.port);
            return url.href;
        }
      },
    });
    const world = new World({
      deployment,
      ollama,
      transactions,
      homeserver,
      database,
      model,
      route: () => ports.bridge,
    });
    try {
      await deployment.startBridge(env);
      world.people = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("nio", "bob")]);
      world.chats = await Promise.all(world.people.map((person) => world.openChat(person)));
      for (const chat of world.chats) await world.ledger.ask(chat, "are you there?");
      await world.ledger.settle();
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** A separate encrypted direct chat. */
  async openChat(person: User): Promise<Chat> {
    const roomId = await person.createRoom({ direct: true, invite: [this.agent] });
    await person.waitMember(roomId, this.agent, "join", 60_000);
    return { person, agent: this.agent, roomId };
  }

  /** Everybody asks something. */
  async askAll(body: string): Promise<void> {
    await Promise.all(this.chats.map((chat) => this.ledger.ask(chat, body)));
  }

  /** Everybody asks, again and again, while `fault` happens and for a moment after it. */
  async duringTraffic(fault: () => Promise<void>): Promise<void> {
    let over = false;
    const talking = this.chats.map(async (chat, index) => {
      for (let count = 0; !over; count++) {
        if (count % 4 === 3) await chat.person.rotateSession(chat.roomId);
        await this.ledger.ask(chat, `question ${count} of ${index}`);
        await sleep(150 + 100 * index);
      }
    });
    await sleep(500);
    try {
      await fault();
      await sleep(500);
    } finally {
      over = true;
      await Promise.all(talking);
    }
  }

  /** Prints the records of the database and of the bridge's log about some events; the bridge is stopped for it. */
  async explain(eventIds: readonly string[]): Promise<void> {
    await this.deployment.stopBridge();
    const { database: url, directory } = this.deployment.settings;
    const database =
      url === undefined ? await openEmbedded(join(directory, "data", "database")) : openPostgres(url, silentLogger());
    for (const table of ["mailbox", "turns", "events"]) {
      const { rows } = await database.query(`select * from ${table} where event_id = any($1)`, [eventIds]);
      console.log(`  ${table}: ${JSON.stringify(rows)}`);
    }
    await database.close();
    const lines = this.deployment.bridge.text().split("\n");
    console.log(lines.filter((line) => eventIds.some((id) => line.includes(id))).join("\n"));
  }

  async stop(): Promise<void> {
    for (const proxy of [this.database, this.model]) proxy?.setMode("pass");
    await this.deployment.stop();
    await this.ollama.close();
    for (const proxy of [this.transactions, this.homeserver, this.database, this.model]) await proxy?.stop();
  }
}

/** The environment that loads a file of test/support before the bridge. */
export function preload(file: string, env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...env, NODE_OPTIONS: `--import=${inCheckout(`test/support/${file}`)}` };
}

/** Starts a world, lets `scenario` happen to it, counts, and ends it. */
export async function inWorld(
  options: WorldOptions,
  scenario: (world: World) => Promise<void>,
  env?: NodeJS.ProcessEnv,
): ReturnType<Ledger["tally"]> {
  const world = await World.start(options, env);
  try {
    await scenario(world);
    const tally = await world.ledger.tally();
    if (tally.bad.length > 0) await world.explain(tally.bad);
    return tally;
  } finally {
    await world.stop();
  }
}
