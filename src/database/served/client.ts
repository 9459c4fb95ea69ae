import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { Semaphore } from "../../concurrency/semaphore.ts";
import { DatabaseError, type Database, type Queryable, type Result, type Row } from "../database.ts";
import { inTransaction } from "../in-transaction.ts";
import { boundedLines } from "./lines.ts";
import { LONGEST_ANSWER, MalformedMessage, parseAnswer, requestLine, type Answer, type Request } from "./messages.ts";
import { socketAddress } from "./socket.ts";

/** The most transactions of one command at once. */
const MOST_AT_ONCE = 4;

/** The time after which a command gives up on a silent bridge, in ms. Other commands may be before it. */
const ANSWER_TIMEOUT_MS = 60_000;

/** The errors of a socket that is not there, of one of a bridge that has ended, and of one of another user. */
const UNREACHABLE: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "ECONNREFUSED", "EACCES"]);

/** The code of an error for a bridge that has ended, for one that says nothing, and for one that is stopping. */
const GONE = "ECONNRESET";
const SILENT = "ETIMEDOUT";
const STOPPING = "BRIDGE_STOPPING";

/**
 * The embedded database of the bridge that runs on a data folder; undefined when none serves it to this user, or it is
 * stopping. Throws DatabaseError when the bridge does not answer.
 */
export async function databaseOfBridge(dataDir: string): Promise<Database | undefined> {
  const database = openServed(dataDir);
  try {
    await database.query("select");
    return database;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === STOPPING || code === GONE || UNREACHABLE.has(code)) return undefined;
    throw error;
  }
}

function openServed(dataDir: string): Database {
  const places = new Semaphore(MOST_AT_ONCE);
  const transactionWithLast: Database["transactionWithLast"] = (work, last) =>
    places.run(async () => {
      const connection = await connect(dataDir);
      try {
        return await inTransaction(connection, work, last);
      } finally {
        connection.close();
      }
    });
  const atOnce: Database["atOnce"] = (work) => transactionWithLast(() => Promise.resolve(), work);
  return {
    kind: "served",
    query: (sql, values) => atOnce((tx) => tx.query(sql, values)),
    execute: (sql) => atOnce((tx) => tx.execute(sql)),
    transaction: (work) => transactionWithLast(work, (_tx, made) => Promise.resolve(made)),
    transactionWithLast,
    atOnce,
    session: () => Promise.reject(new Error("a command has no session of its own in the bridge's database")),
    close: () => Promise.resolve(),
  };
}

async function connect(dataDir: string): Promise<Connection> {
  try {
    const address = await socketAddress(dataDir);
    try {
      const socket = createConnection(address.path);
      await once(socket, "connect");
      return new Connection(socket);
    } finally {
      await address.release();
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    throw new DatabaseError("the bridge that has it open has ended meanwhile, or takes no commands", {
      code,
      retryable: true,
    });
  }
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: DatabaseError) => void;
}

/** A connection to the bridge, which is one transaction. */
class Connection implements Queryable {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #ended: DatabaseError | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    // Whatever breaks the connection also ends what is read.
    socket.on("error", () => undefined);
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => this.#end("the bridge does not answer", SILENT));
    this.#read().catch((error: unknown) => {
      if (error instanceof MalformedMessage) this.#end(malformed().message, undefined);
      else this.#end("the connection to the bridge broke; whether it did the last step is not known", GONE);
    });
  }

  async query<R extends object = Row>(sql: string, values: readonly unknown[] = []): Promise<Result<R>> {
    const answer = await this.#ask({ kind: "query", sql, values });
    if (answer.kind !== "result") throw malformed();
    return { rows: answer.rows as R[], count: answer.count };
  }

  async execute(sql: string): Promise<void> {
    await this.#ask({ kind: "execute", sql });
  }

  async commit(): Promise<void> {
    await this.#ask({ kind: "commit" });
  }

  /** The bridge rolls back what a connection leaves open. */
  rollback(): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#socket.write(requestLine(request));
    });
  }

  async #read(): Promise<void> {
    for await (const line of boundedLines(this.#socket, LONGEST_ANSWER)) this.#heard(parseAnswer(line));
    this.#end("the bridge has ended, or has closed this connection; whether it did the last step is not known", GONE);
  }

  #heard(answer: Answer): void {
    const waiting = this.#waiting.shift();
    switch (answer.kind) {
      case "failed": {
        const { message, code, retryable } = answer;
        waiting?.reject(new DatabaseError(message, { code, retryable, cause: new Error(message) }));
        return;
      }
      case "sent_away": {
        const { message, why } = answer;
        const code = why === "stopping" ? STOPPING : undefined;
        this.#ended = new DatabaseError(message, { code, retryable: why !== "malformed" });
        waiting?.reject(this.#ended);
        return;
      }
      case "done":
      case "result":
        waiting?.resolve(answer);
    }
  }

  #end(message: string, code: string | undefined): void {
    this.#ended ??= new DatabaseError(message, { code, retryable: code !== undefined });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
    this.#socket.destroy();
  }
}

function malformed(): DatabaseError {
  return new DatabaseError("the bridge answers in another way than this version of matrix-agents", {
    code: undefined,
    retryable: false,
  });
}
