import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

/** The file name of the socket, in the data folder. */
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
 * The address of a data folder's socket. Where the folder's path is too long for a socket, it goes by an open folder, as Linux
 * has it. Throws the file system's error.
 */
export async function socketAddress(dataDir: string): Promise<SocketAddress> {
  const path = join(dataDir, SOCKET);
  if (Buffer.byteLength(path) <= LONGEST_PATH) return { path, release: () => Promise.resolve() };
  const folder = await open(dataDir, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${folder.fd}/${SOCKET}`, release: () => folder.close() };
}
