import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/** A server that answers with recorded bytes, whatever the request says. */
export interface ReplayServer extends AsyncDisposable {
  readonly url: string;
  /** The requests, each by its method and path. */
  readonly asked: readonly string[];
}

/**
 * Starts one on a free port of the loopback.
 *
 * @param answers whole HTTP responses by path, after each of which the connection ends; a path without one has `otherwise`.
 */
export async function startReplayServer(
  answers: Readonly<Record<string, string>>,
  otherwise: string,
): Promise<ReplayServer> {
  const asked: string[] = [];
  const server = createServer((socket) => {
    let request = "";
    let isAnswered = false;
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      request += bytes.toString("latin1");
      const [head = "", body] = request.split("\r\n\r\n", 2);
      const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
      if (isAnswered || body === undefined || body.length < length) return;
      isAnswered = true;
      const [method = "", path = ""] = head.split(" ");
      asked.push(`${method} ${path}`);
      socket.end(answers[path] ?? otherwise);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
