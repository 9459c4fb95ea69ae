import { readFile } from "node:fs/promises";

/** The child processes of this one that are reading a document. */
export async function readers(): Promise<number[]> {
  const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, "utf8");
  const pids = children.split(" ").filter(Boolean).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      // A process that has ended meanwhile does not count.
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return command.includes("document-reader") ? [pid] : [];
    }),
  );
  return found.flat();
}
