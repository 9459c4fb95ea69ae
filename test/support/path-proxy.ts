import { once } from "node:events";
import { createServer, request } from "node:http";

/** A web server before another one, as nginx or Caddy: it passes on what lies below a path, piece by piece as it comes. */
export interface PathProxy {
  stop(): Promise<void>;
}

/**
 * @param port the port of 127.0.0.1 to listen on.
 * @param target the port of 127.0.0.1 to pass on to.
 * @param path such as `/agents`; everything else gets 404.
 * @param isStripped whether the other server sees the path without it.
 */
export async function startPathProxy(how: {
  readonly port: number;
  readonly target: number;
  readonly path: string;
  readonly isStripped: boolean;
}): Promise<PathProxy> {
  const { port, target, path, isStripped } = how;
  const server = createServer((incoming, answer) => {
    const { method, url = "", headers } = incoming;
    if (url !== path && !url.startsWith(`${path}/`)) {
      answer.writeHead(404).end("another site of this host\n");
      return;
    }
    const rest = url.slice(path.length);
    const passed = request(
      {
        host: "127.0.0.1",
        port: target,
        method,
        path: !isStripped ? url : rest === "" ? "/" : rest,
        headers: { ...headers, "x-forwarded-for": incoming.socket.remoteAddress },
      },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        answer.flushHeaders();
        response.pipe(answer);
        response.on("error", () => answer.destroy());
      },
    );
    passed.on("error", () => {
      if (answer.headersSent) answer.destroy();
      else answer.writeHead(502).end("the server behind does not answer\n");
    });
    answer.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
