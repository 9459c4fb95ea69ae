import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/**
 * Statements whose answers a client awaits together: all statements that it sends while one of its answers is
 * outstanding.
 */
export interface RoundTrip {
  /** In order. */
  readonly statements: string[];
  /** The number of its connection. */
  readonly connection: number;
  /** The time of its beginning, in ms of `performance.now()`. */
  readonly at: number;
}

/** A proxy to PostgreSQL that records every round trip. */
export interface SqlWire {
  readonly port: number;
  /** All so far; later ones are added. */
  readonly roundTrips: RoundTrip[];
  /** Every answer is delayed by this time, in ms. */
  delayMs: number;
  stop(): Promise<void>;
}

/** Starts it in front of a server on a port of 127.0.0.1. The connections must be without TLS. */
export async function startSqlWire(targetPort: number): Promise<SqlWire> {
  const roundTrips: RoundTrip[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
    const conversation = new Conversation(connections++, roundTrips);
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    client.on("data", (data) => {
      conversation.asked(data);
      target.write(data);
    });
    target.on("data", (data) => {
      const pass = (): void => {
        conversation.answered(data);
        client.write(data);
      };
      if (wire.delayMs === 0) pass();
      else setTimeout(pass, wire.delayMs);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const wire: SqlWire = {
    port: (server.address() as AddressInfo).port,
    roundTrips,
    delayMs: 0,
    async stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
  return wire;
}

/** One connection, as PostgreSQL's frontend/backend protocol 3.0 has it. */
class Conversation {
  readonly #connection: number;
  readonly #roundTrips: RoundTrip[];
  readonly #questions = new Messages({ isFirstUntyped: true });
  readonly #answers = new Messages({ isFirstUntyped: false });
  readonly #prepared = new Map<string, string>();
  /** The number of times that the server is still to report that it is ready. */
  #outstanding = 0;
  #current: RoundTrip | undefined;

  constructor(connection: number, roundTrips: RoundTrip[]) {
    this.#connection = connection;
    this.#roundTrips = roundTrips;
  }

  asked(data: Buffer): void {
    for (const { type, body } of this.#questions.read(data)) {
      if (type === "P") {
        const [name = "", sql = ""] = strings(body, 2);
        this.#prepared.set(name, sql);
      } else if (type === "B") {
        const [, name = ""] = strings(body, 2);
        this.#note(this.#prepared.get(name) ?? "");
      } else if (type === "Q") {
        this.#note(...strings(body, 1));
        this.#outstanding++;
      } else if (type === "S") {
        this.#outstanding++;
      }
    }
  }

  answered(data: Buffer): void {
    for (const { type } of this.#answers.read(data)) {
      // The first one reports that the connection was made.
      if (type === "Z" && this.#outstanding > 0 && --this.#outstanding === 0) this.#current = undefined;
    }
  }

  #note(...statements: string[]): void {
    if (this.#current === undefined) {
      this.#current = { statements: [], connection: this.#connection, at: performance.now() };
      this.#roundTrips.push(this.#current);
    }
    this.#current.statements.push(...statements);
  }
}

/** Cuts one direction of a connection into messages: a byte of type, unless it is a client's first, and the length. */
class Messages {
  #bytes: Buffer = Buffer.alloc(0);
  #isUntyped: boolean;

  constructor({ isFirstUntyped }: { readonly isFirstUntyped: boolean }) {
    this.#isUntyped = isFirstUntyped;
  }

  *read(data: Buffer): Iterable<{ readonly type: string; readonly body: Buffer }> {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    for (;;) {
      const typeBytes = this.#isUntyped ? 0 : 1;
      if (this.#bytes.length < typeBytes + 4) return;
      const end = typeBytes + this.#bytes.readUInt32BE(typeBytes);
      if (this.#bytes.length < end) return;
      const message = {
        type: this.#bytes.toString("latin1", 0, typeBytes),
        body: this.#bytes.subarray(typeBytes + 4, end),
      };
      this.#isUntyped = false;
      this.#bytes = this.#bytes.subarray(end);
      yield message;
    }
  }
}

/** The first strings of a message, each of which ends with a zero. */
function strings(body: Buffer, count: number): string[] {
  const found: string[] = [];
  let from = 0;
  while (found.length < count) {
    const end = body.indexOf(0, from);
    if (end === -1) break;
    found.push(body.toString("utf8", from, end));
    from = end + 1;
  }
  return found;
}
