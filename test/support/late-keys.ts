import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

/** A connection to the homeserver on which to-device messages, and so room keys, are late. */
export interface LateKeys {
  /** To be used by a client in place of the homeserver's. */
  readonly url: string;
  /** From now on, to-device messages are acknowledged and held back. */
  hold(): void;
  /** Delivers the held-back messages, in order, and holds nothing from now on. */
  release(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a proxy in front of a homeserver. */
export async function startLateKeys(homeserver: string): Promise<LateKeys> {
  let held: (() => Promise<unknown>)[] | undefined;

  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const { method = "GET", url = "/", headers } = request;
    const forward = (): Promise<Response> =>
      fetch(`${homeserver}${url}`, {
        method,
        headers: {
          "Content-Type": "application/json",
          ...(headers.authorization === undefined ? {} : { Authorization: headers.authorization }),
        },
        ...(body === "" || method === "GET" ? {} : { body }),
      });
    if (held !== undefined && url.includes("/sendToDevice/")) {
      held.push(forward);
      response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
      return;
    }
    const answer = await forward();
    response.writeHead(answer.status, { "Content-Type": "application/json" }).end(await answer.text());
  };
  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.writeHead(502).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");

  return {
    url: `http://127.0.0.1:${address.port}`,
    hold() {
      held ??= [];
    },
    async release() {
      const late = held ?? [];
      held = undefined;
      for (const deliver of late) await deliver();
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
