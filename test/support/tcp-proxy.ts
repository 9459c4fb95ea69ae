import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/**
 * A proxy's treatment of connections: it passes them on, breaks them at once, or keeps them without passing anything.
 */
export type ProxyMode = "pass" | "refuse" | "hang";

/** A connection to a server that a test can break. */
export interface TcpProxy {
  readonly port: number;
  /** Applies to new connections and to existing ones. */
  setMode(mode: ProxyMode): void;
  /** Breaks the existing connections. */
  cut(): void;
  stop(): Promise<void>;
}

/** Starts a proxy in front of a port of 127.0.0.1. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let mode: ProxyMode = "pass";
  const pairs = new Set<readonly [Socket, Socket]>();

  const server = createServer((client) => {
    if (mode === "refuse") {
      client.resetAndDestroy();
      return;
    }
    const target = connect(targetPort, "127.0.0.1");
    const pair = [client, target] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      target.destroy();
    };
    for (const [from, to] of [pair, [target, client] as const]) {
      from.on("data", (data) => to.write(data));
      from.on("end", () => to.end());
      // A broken side breaks the other.
      from.on("error", end);
      from.on("close", end);
      if (mode === "hang") from.pause();
    }
  });
  const cut = (): void => {
    for (const [client, target] of pairs) {
      client.resetAndDestroy();
      target.resetAndDestroy();
    }
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    setMode(next) {
      mode = next;
      if (mode === "refuse") cut();
      for (const socket of [...pairs].flat()) {
        if (mode === "hang") socket.pause();
        else socket.resume();
      }
    },
    cut,
    async stop() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
