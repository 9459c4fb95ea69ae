import { createServer } from "node:http";
import type { Express } from "express";
import { openListener, type Listener } from "../observability/listener.ts";
import type { Logger } from "../observability/log.ts";

/** The time for a request's head and body, in ms, and the time between two looks at who is too slow. */
const REQUEST_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 2_000;

/** The most connections at once: the page is for a few people. */
const MOST_CONNECTIONS = 200;

/** Listens for browsers. Throws ListenerFailure. */
export async function listenForBrowsers(
  app: Express,
  address: { readonly bind: string; readonly port: number },
  log: Logger,
): Promise<Listener> {
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: LOOK_EVERY_MS,
    },
    app,
  );
  server.maxConnections = MOST_CONNECTIONS;
  const listener = await openListener(server, { section: "web", bind: address.bind, port: address.port });
  log.info({ address: address.bind, port: listener.port }, "listening for browsers");
  return listener;
}
