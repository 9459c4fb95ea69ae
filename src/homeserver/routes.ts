import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  type Router,
} from "express";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { createTokenCheck } from "./token.ts";
import { parseTransaction, type Transaction } from "./transaction.ts";
import { reached } from "../observability/steps.ts";

/** The requests that the homeserver can send us, and their handlers. */
export interface AppServiceHandlers {
  /**
   * Stores a transaction. When this resolves, the transaction is acknowledged; when it throws, the homeserver sends it
   * again. It must do nothing slower than storing.
   */
  onTransaction(transaction: Transaction): Promise<void>;
  /** Whether this user exists; it is made first when it should exist. */
  onUserQuery(userId: string): Promise<boolean>;
  /** Called with the id of a ping that came. */
  onPing?(transactionId: string): void;
  /** Called when a ping with another hs_token was refused. */
  onRefusedPing?(): void;
}

/** The options of the endpoints. */
export interface RouteOptions extends AppServiceHandlers {
  readonly hsToken: string;
  /** Larger bodies get 413. */
  readonly maxTransactionBytes: number;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}

/**
 * The endpoints of the Matrix application-service API (v1.11 and later) that a homeserver calls. The token is read only
 * from the Authorization header, and checked before any of the body is read. Paths from before v1 do not exist.
 *
 * @param extra Further paths, served after ours and outside of `/_matrix/app`.
 */
export function createRoutes(options: RouteOptions, extra: Express): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.use(logRequests(options.log, options.metrics));
  app.use("/_matrix/app", requireToken(options), appServiceApi(options), unknownPath);
  app.use(extra);
  app.use(unknownPath, answerError(options.log));
  return app;
}

function appServiceApi(options: RouteOptions): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  // Read as bytes, because express.json() takes an empty body as `{}`: with a proxy that drops bodies we would
  // acknowledge transactions that we never got. The content type is ignored, because the spec requires none.
  const readBody = express.raw({ limit: options.maxTransactionBytes, type: () => true });

  router
    .route("/v1/transactions/:txnId")
    .put(readBody, async (request, response) => {
      const body = parseJson(request.body);
      if (body === undefined) {
        refuse(response, 400, "M_NOT_JSON", "The body is not JSON");
        return;
      }
      const transaction = parseTransaction(request.params.txnId, body);
      reached("transaction.received");
      await options.onTransaction(transaction);
      reached("transaction.stored");
      response.json({});
    })
    .all(wrongMethod("PUT"));

  router
    .route("/v1/ping")
    .post(readBody, (request, response) => {
      const transactionId = (parseJson(request.body) as { transaction_id?: unknown } | null | undefined)
        ?.transaction_id;
      if (typeof transactionId === "string") options.onPing?.(transactionId);
      response.json({});
    })
    .all(wrongMethod("POST"));

  // Synapse leaves a slash in an id unencoded, so an id can be several segments.
  router
    .route("/v1/users/*userId")
    .get(async (request, response) => {
      const exists = await options.onUserQuery(request.params.userId.join("/"));
      if (exists) response.json({});
      else refuse(response, 404, "M_NOT_FOUND", "No such user");
    })
    .all(wrongMethod("GET"));

  router
    .route("/v1/rooms/*alias")
    .get((_request, response) => refuse(response, 404, "M_NOT_FOUND", "No such room"))
    .all(wrongMethod("GET"));

  const noProtocol: RequestHandler = (_request, response) =>
    refuse(response, 404, "M_NOT_FOUND", "No third-party protocols are bridged");
  for (const path of [
    "/v1/thirdparty/protocol/:protocol",
    "/v1/thirdparty/user/:protocol",
    "/v1/thirdparty/location/:protocol",
  ]) {
    router.route(path).get(noProtocol).all(wrongMethod("GET"));
  }
  for (const path of ["/v1/thirdparty/user", "/v1/thirdparty/location"]) {
    router
      .route(path)
      .get((_request, response) => void response.json([]))
      .all(wrongMethod("GET"));
  }
  return router;
}

/** The value, or undefined when the bytes are no JSON. */
function parseJson(body: unknown): unknown {
  try {
    return body instanceof Buffer ? JSON.parse(body.toString()) : undefined;
  } catch {
    return undefined;
  }
}

function requireToken(options: RouteOptions): RequestHandler {
  const check = createTokenCheck(options.hsToken);
  return (request, response, next) => {
    const verdict = check(request.headers.authorization);
    if (verdict !== "valid" && request.path === "/v1/ping") options.onRefusedPing?.();
    switch (verdict) {
      case "valid": {
        next();
        return;
      }
      case "missing": {
        refuseUnread(response, 401, "M_UNAUTHORIZED", "No hs_token in the Authorization header");
        return;
      }
      case "wrong": {
        refuseUnread(response, 403, "M_FORBIDDEN", "The hs_token is not the one of this registration");
        return;
      }
    }
  };
}

function wrongMethod(allowed: string): RequestHandler {
  return (_request, response) => {
    response.set("allow", allowed);
    refuseUnread(response, 405, "M_UNRECOGNIZED", "Unrecognised method");
  };
}

function unknownPath(_request: Request, response: Response): void {
  refuseUnread(response, 404, "M_UNRECOGNIZED", "Unrecognised request");
}

function refuse(response: Response, status: number, errcode: string, error: string): void {
  response.status(status).json({ errcode, error });
}

/** Closes the connection afterwards: otherwise the whole body, of any length, would have to be read first. */
function refuseUnread(response: Response, status: number, errcode: string, error: string): void {
  response.set("connection", "close");
  refuse(response, status, errcode, error);
}

/** A thrown error as the spec's standard error response. Express recognises an error handler by its four parameters. */
function answerError(log: Logger): ErrorRequestHandler {
  return (error: unknown, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const status = callersFault(error);
    if (status === 413) {
      log.error(
        { path: request.path, length: request.headers["content-length"] },
        "a transaction exceeds the size limit",
      );
      refuseUnread(response, 413, "M_TOO_LARGE", "The request is over the size limit");
      return;
    }
    if (status !== undefined) {
      refuseUnread(response, status, "M_UNKNOWN", "The request is malformed");
      return;
    }
    log.error({ error, path: request.path }, "a request of the homeserver failed; it will come again");
    refuse(response, 500, "M_UNKNOWN", "Could not be handled now");
  };
}

/**
 * The status for a fault of the request itself: body-parser gives its errors a `type`, and the router throws a URIError
 * for an undecodable path. A `status` alone proves nothing, because our own errors can have one.
 */
function callersFault(error: unknown): number | undefined {
  if (error instanceof URIError) return 400;
  if (!(error instanceof Error && "type" in error && "status" in error)) return undefined;
  const { status } = error;
  return typeof status === "number" && status >= 400 && status < 500 ? status : undefined;
}

function logRequests(log: Logger, metrics: Metrics | undefined): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    const endpoint = askedEndpoint(request.path);
    response.once("close", () => {
      const ms = Math.round(performance.now() - started);
      const status = response.writableFinished ? String(response.statusCode) : "aborted";
      metrics?.appserviceRequests.observe({ endpoint, status }, ms / 1000);
      log.debug({ method: request.method, path: request.path, status: response.statusCode, ms }, "request answered");
    });
    next();
  };
}

/** The endpoint of a path, as a word from a short list. */
function askedEndpoint(path: string): string {
  const [, name = ""] = /^\/_matrix\/app\/v1\/([a-z]+)(?:\/|$)/.exec(path) ?? [];
  return ["transactions", "ping", "users", "rooms", "thirdparty"].includes(name) ? name : "other";
}
