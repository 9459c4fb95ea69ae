import { once } from "node:events";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Server } from "node:net";
import { join } from "node:path";

/** The file name of the database's socket, in the data folder. */
export const SOCKET = "matrix-agents.sock";

/** The longest path of a socket, in bytes: Linux takes 108, others 104, with the zero at its end. */
const LONGEST_PATH = 103;

/** A path by which this process can use a socket. */
export interface SocketAddress {
  readonly path: string;
  /** Ends the validity of the path. */
  release(): Promise<void>;
}

/**
 * The address of a socket in a data folder. Where the folder's path is too long for a socket, it goes by an open folder, as Linux
 * has it. Throws the file system's error.
 */
export async function socketAddress(dataDir: string, file = SOCKET): Promise<SocketAddress> {
  const path = join(dataDir, file);
  if (Buffer.byteLength(path) <= LONGEST_PATH) return { path, release: () => Promise.resolve() };
  const folder = await open(dataDir, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${folder.fd}/${file}`, release: () => folder.close() };
}

/** Listens on a socket that has mode 0600 from its first moment. Throws the system's error. */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  const listening = once(server, "listening");
  const former = process.umask(0o177);
  try {
    // Node makes the file before this returns.
    server.listen(path);
  } finally {
    process.umask(former);
  }
  await listening;
}
