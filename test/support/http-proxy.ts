import { once } from "node:events";
import {
  Agent,
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A request on its way through a proxy. */
export interface PassingRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The answer that the requester gets. */
export interface PassingAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Decides about a request. By default the request and its answer are passed on. */
export type Intercept = (request: PassingRequest, proxy: HttpProxy) => Promise<PassingAnswer | "hang up">;

/** A proxy of an HTTP server on which requests can be repeated, held, cut or answered differently. */
export interface HttpProxy {
  readonly url: string;
  intercept: Intercept;
  /** Passes a request on and resolves with its answer. Rejects when the server can't be reached. */
  forward(request: PassingRequest): Promise<PassingAnswer>;
  /** Sends the first half of a request's body and breaks the connection. */
  forwardHalf(request: PassingRequest): Promise<void>;
  stop(): Promise<void>;
}

/** Headers about the transport of a body and the lifetime of the connection, which belong to each connection. */
const FRAMING = new Set(["transfer-encoding", "content-length", "connection", "keep-alive"]);

/** An answer in JSON. */
export function jsonAnswer(status: number, body: object): PassingAnswer {
  return { status, headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify(body)) };
}

/**
 * @param target the port of 127.0.0.1 to pass on to; read anew for every request.
 * @param tls the certificate for its clients; without it, plain HTTP.
 */
export async function startHttpProxy(
  target: () => number,
  tls?: { readonly key: string; readonly cert: string },
): Promise<HttpProxy> {
  const agent = new Agent({ keepAlive: true });

  async function forward(passing: PassingRequest): Promise<PassingAnswer> {
    const { method, url, headers, body } = passing;
    const outgoing = request({ host: "127.0.0.1", port: target(), method, path: url, headers, agent });
    outgoing.end(body);
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) };
  }

  async function forwardHalf({ method, url, headers, body }: PassingRequest): Promise<void> {
    const socket = connect(target(), "127.0.0.1");
    await once(socket, "connect");
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
    socket.write(`${method} ${url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    socket.write(body.subarray(0, body.length / 2));
    await new Promise<void>((sent) => {
      socket.end(sent);
    });
    socket.destroy();
  }

  async function answer(passing: PassingRequest, response: ServerResponse): Promise<void> {
    const answered = await proxy.intercept(passing, proxy);
    if (answered === "hang up") {
      response.destroy();
      return;
    }
    // The body is complete here, in whatever form it came.
    const headers = Object.entries(answered.headers).filter(([name]) => !FRAMING.has(name));
    response.writeHead(answered.status, Object.fromEntries(headers)).end(answered.body);
  }

  const take = (incoming: IncomingMessage, response: ServerResponse): void => {
    buffer(incoming)
      .then((body) =>
        answer({ method: incoming.method ?? "", url: incoming.url ?? "", headers: incoming.headers, body }, response),
      )
      // A server that can't be reached behind the proxy can't be reached through it.
      .catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(take) : createTlsServer(tls, take);
  // As Synapse: with Node's five seconds a busy client would use connections that are just being closed.
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: HttpProxy = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    intercept: (passing) => forward(passing),
    forward,
    forwardHalf,
    async stop() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await once(server, "close");
    },
  };
  return proxy;
}
