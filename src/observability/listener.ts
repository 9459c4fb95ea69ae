import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { OperatorError, type Saying } from "./operator-error.ts";

/** An HTTP listener beside the one for the homeserver. */
export interface Listener {
  readonly port: number;
  /** Ends it with its connections. */
  close(): Promise<void>;
}

/** The address of such a listener, and the section of config.yaml that has it. */
export interface ListenerAddress {
  readonly section: "monitoring" | "web";
  readonly bind: string;
  readonly port: number;
}

/** The address can't be listened on. */
class ListenerFailure extends OperatorError<"ListenerFailure"> {
  override readonly name = "ListenerFailure";
}

/** Lets a server listen. Throws {@link ListenerFailure}. */
export async function openListener(server: Server, address: ListenerAddress): Promise<Listener> {
  server.listen(address.port, address.bind);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new ListenerFailure(explain(error, address), { cause: error });
  }
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function explain(error: unknown, { section, bind, port }: ListenerAddress): Saying<"ListenerFailure"> {
  switch (error instanceof Error && "code" in error ? error.code : undefined) {
    case "EADDRINUSE":
      return `${section}.port: another program listens on port ${port} of ${bind} already; choose another port (each process on a machine needs its own), or set ${section}.enabled to false`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${section}.bind: this machine has no address ${bind}`;
    case "EACCES":
      return `${section}.port: this user may not listen on port ${port}`;
    default:
      return `${section}: ${bind}:${port} can't be listened on: ${error instanceof Error ? error.message : String(error)}`;
  }
}
