import { createServer } from "node:http";
import express, { type Express, type RequestHandler } from "express";
import type { Logger } from "./log.ts";
import { METRICS_CONTENT_TYPE } from "./metrics.ts";
import { openListener, type Listener } from "./listener.ts";
import type { Readiness } from "./readiness.ts";
import { sharedAnswer } from "./shared-answer.ts";

/** Requests to this listener are small, so a slow one is cut off after this time, in ms. */
const REQUEST_TIMEOUT_MS = 10_000;

/** A repeated request within this time, in ms, gets the same answer, so that nobody can keep the checks running. */
const ANSWER_AGE_MS = 500;

/** The content that the listener serves. */
export interface Monitored {
  readonly readiness: () => Promise<Readiness>;
  /** In Prometheus' text form. */
  readonly metrics: () => Promise<string>;
}

/**
 * Listens for `GET /health` (the event loop runs), `/ready` (the process can take and answer messages; else 503 with
 * the reasons) and `/metrics`. It needs no authentication: it is for loopback or a private network. Throws
 * ListenerFailure.
 */
export async function listenForMonitoring(
  address: { readonly bind: string; readonly port: number },
  monitored: Monitored,
  log: Logger,
): Promise<Listener> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, routes(monitored, log));
  const listener = await openListener(server, { section: "monitoring", bind: address.bind, port: address.port });
  log.info({ address: address.bind, port: listener.port }, "listening for monitoring");
  return listener;
}

function routes({ readiness, metrics }: Monitored, log: Logger): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag");
  const ready = sharedAnswer(readiness, ANSWER_AGE_MS);
  const text = sharedAnswer(metrics, ANSWER_AGE_MS);
  app.get("/health", (_request, response) => {
    response.json({ status: "alive", uptime_seconds: Math.round(process.uptime()) });
  });
  app.get("/ready", async (_request, response) => {
    const answer = await ready();
    response.status(answer.ready ? 200 : 503).json(answer);
  });
  app.get("/metrics", async (_request, response) => {
    response.type(METRICS_CONTENT_TYPE).send(await text());
  });
  app.use((_request, response) => {
    response.status(404).json({ error: "there is /health, /ready and /metrics" });
  });
  app.use(failed(log));
  return app;
}

/** Express recognises an error handler by its four parameters. */
function failed(log: Logger): (error: unknown, ...rest: Parameters<RequestHandler>) => void {
  return (error, request, response, next) => {
    log.error({ error, path: request.path }, "a request of monitoring failed");
    if (response.headersSent) next(error);
    else response.status(500).json({ error: "could not be told; see the log" });
  };
}
