import { readFile } from "node:fs/promises";

/** The end of a log, for an error message. Never rejects. @param from the byte at which it begins. */
export async function tailOf(path: string, from = 0): Promise<string> {
  const log = await readFile(path).catch(() => Buffer.alloc(0));
  return log.subarray(from).toString("utf8").trimEnd().split("\n").slice(-25).join("\n");
}
