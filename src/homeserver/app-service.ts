import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Application, type Express } from "express";
import { AppService } from "matrix-appservice";
import { createRoutes, type RouteOptions } from "./routes.ts";

/**
 * A homeserver's largest transaction is 100 events of 64 KiB, each with a previous content as large, as many to-device
 * messages, and JSON escapes that double it all. A smaller limit could refuse one transaction for ever.
 */
const DEFAULT_MAX_TRANSACTION_BYTES = 64 * 1024 * 1024;

/**
 * Longer than the 120 s for which Synapse keeps a connection. Otherwise Synapse would sometimes send on a connection
 * that we are closing.
 */
const KEEP_ALIVE_MS = 150_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** The time that close() gives running requests, in ms. */
const CLOSE_GRACE_MS = 10_000;

/** Settings of the appservice's listener. */
export type AppServiceOptions = Omit<RouteOptions, "maxTransactionBytes"> & {
  /** By default {@link DEFAULT_MAX_TRANSACTION_BYTES}. */
  readonly maxTransactionBytes?: number;
};

/**
 * The listener that a `Bridge` runs, with our own endpoints. The base class's endpoints drop to-device data,
 * acknowledge before anything is stored and compare tokens in variable time; here nobody can reach them.
 */
export class AgentsAppService extends AppService {
  readonly #extra: Express = express();
  readonly #routes: Express;
  #listener: Server | undefined;

  constructor(options: AppServiceOptions) {
    super({ homeserverToken: options.hsToken });
    this.#extra.disable("x-powered-by");
    this.#routes = createRoutes({ maxTransactionBytes: DEFAULT_MAX_TRANSACTION_BYTES, ...options }, this.#extra);
  }

  /** The place where `Bridge` adds its own paths (metrics). They are served after ours, outside of `/_matrix/app`. */
  override get expressApp(): Application {
    return this.#extra;
  }

  /** The port listened on, which matters for port 0. Undefined when not listening. */
  get port(): number | undefined {
    const address = this.#listener?.address() as AddressInfo | null | undefined;
    return address?.port;
  }

  /** Starts to listen. Rejects when that fails (`EADDRINUSE`). */
  override async listen(port: number, hostname: string, backlog: number, callback?: () => void): Promise<void> {
    if (this.#listener !== undefined) throw new Error("the application service listens already");
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS }, this.#routes);
    this.#listener = server;
    server.listen(port, hostname, backlog);
    try {
      await once(server, "listening");
    } catch (error) {
      this.#listener = undefined;
      throw error;
    }
    callback?.();
  }

  /** Stops listening; running requests may finish. Does nothing when not listening. */
  override async close(): Promise<void> {
    const server = this.#listener;
    if (server === undefined) return;
    this.#listener = undefined;
    const closed = once(server, "close");
    // A busy connection becomes idle when its request ends, and would otherwise be kept alive.
    server.prependListener("request", (_request, response) => response.setHeader("connection", "close"));
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.close();
    await closed;
    clearInterval(sweep);
    clearTimeout(grace);
  }
}
