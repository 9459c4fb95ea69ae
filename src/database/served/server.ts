import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { Serial } from "../../concurrency/serial.ts";
import type { Logger } from "../../observability/log.ts";
import type { Database } from "../database.ts";
import { Session, type Patience } from "./session.ts";
import { listenPrivately, socketAddress } from "./socket.ts";

/** Everybody who talks with an agent waits while a command holds the embedded database, which has one connection. */
const PATIENCE: Patience = { silenceMs: 3_000, transactionMs: 10_000 };

/** The most connections at once. A command has a few. */
const MOST_CONNECTIONS = 64;

/** The embedded database, served to commands. */
export interface ServedDatabase {
  /** Serves nobody new, and resolves when the present transaction has ended. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves a database to the commands of this machine, by a socket in the data folder that only the folder's user can open.
 * Where the folder takes no sockets it warns, and commands need a stopped bridge.
 *
 * @param dataDir the folder, whose lock this process holds: a socket that is there is one of a process that has ended.
 */
export async function serveDatabase(
  database: Database,
  dataDir: string,
  log: Logger,
  patience = PATIENCE,
): Promise<ServedDatabase> {
  const sessions = new Map<Session, Promise<void>>();
  const serving = { database, turns: new Serial(), patience, log };
  const server = createServer((socket) => {
    const session = new Session(socket, serving);
    const served = sessions.size < MOST_CONNECTIONS ? session.serve() : session.refuse();
    sessions.set(
      session,
      served.finally(() => sessions.delete(session)),
    );
  });
  const address = await socketAddress(dataDir);
  try {
    await rm(address.path, { force: true });
    await listenPrivately(server, address.path);
  } catch (error) {
    await address.release();
    log.warn({ error }, "the data folder takes no socket, so commands can't ask the running bridge: stop it for them");
    return { close: () => Promise.resolve() };
  }
  server.on("error", (error) => log.warn({ error }, "a command could not reach the bridge"));
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    for (const session of sessions.keys()) session.stop();
    await Promise.all(sessions.values());
    await closed;
    await address.release();
  };
  let closing: Promise<void> | undefined;
  return { close: () => (closing ??= close()) };
}
