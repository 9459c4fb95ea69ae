import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** The message ReadyForQuery of an idle server: its type, its length, and `I`. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** A proxy to PostgreSQL. */
export interface EndingProxy {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts a proxy whose first connection the server seems to end in the moment in which it is ready: a client reads both in
 * one piece, and has no time between them to listen to the connection.
 */
export async function startEndingProxy(targetPort: number): Promise<EndingProxy> {
  const sockets = new Set<Socket>();
  let isFirst = true;
  const server = createServer((client) => {
    let ends = isFirst;
    isFirst = false;
    const target = connect(targetPort, "127.0.0.1");
    const both = [client, target];
    for (const socket of both) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        for (const other of both) other.destroy();
      });
    }
    client.on("data", (data) => target.write(data));
    target.on("data", (data) => {
      if (!ends || !data.subarray(-READY.length).equals(READY)) {
        client.write(data);
        return;
      }
      ends = false;
      client.end(Buffer.concat([data, shutdownMessage()]));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** The ErrorResponse with which a server ends a connection on an administrator's command. */
function shutdownMessage(): Buffer {
  const fields = ["SFATAL", "VFATAL", "C57P01", "Mterminating connection due to administrator command", ""];
  const body = Buffer.from(fields.map((field) => `${field}\0`).join(""));
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
