import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OperatorError } from "../observability/operator-error.ts";

/** Another process already has the embedded database, which takes only one. */
export class DatabaseInUse extends OperatorError<"DatabaseInUse"> {
  override readonly name = "DatabaseInUse";
}

/** An exclusive claim on a folder. */
export interface SoleUse {
  release(): Promise<void>;
}

/**
 * Claims a folder by a lock file that names this process. A file whose process is gone is taken over. Throws {@link
 * DatabaseInUse}.
 */
export async function claimDirectory(directory: string): Promise<SoleUse> {
  const path = join(directory, "matrix-agents.lock");
  const mine = `${process.pid} ${await startedAt(process.pid)}`;
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await putInPlace(path, mine)) {
      return { release: () => rm(path, { force: true }) };
    }
    const holder = await holderOf(path);
    if (await isRunning(holder)) {
      throw new DatabaseInUse(
        `another matrix-agents process (pid ${holder.split(" ")[0]}) is using ${directory}; stop it first, or set another data_dir. The embedded database takes one process; use PostgreSQL (database.url) for more`,
      );
    }
    await removeStale(path, holder, mine);
  }
  throw new DatabaseInUse(`could not claim ${path}: another process keeps taking it`);
}

/**
 * Removes the file of a process that is gone. Only the holder of the guard may do so, and only while it is still that
 * file: otherwise a slower process would remove the file by which a faster one has claimed the folder meanwhile.
 */
async function removeStale(path: string, holder: string, mine: string): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await putInPlace(guard, mine))) {
    if (await isRunning(await holderOf(guard))) await sleep(20);
    else await rm(guard, { force: true });
    return;
  }
  try {
    if ((await holderOf(path)) === holder) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** Makes a file with its content in one step, so that nobody ever sees it empty; false when it already exists. */
async function putInPlace(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${process.pid}`;
  try {
    await writeFile(draft, content, { mode: 0o600 });
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** The content of a lock file; empty when the file has gone. */
function holderOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

async function isRunning(holder: string): Promise<boolean> {
  const [pid = "", since = ""] = holder.split(" ");
  return since !== "" && (await startedAt(Number(pid))) === since;
}

/**
 * The start time of a process, as an opaque word; empty when it is not running. A process id alone could mistake a
 * stranger with the number of a killed bridge for the bridge.
 */
async function startedAt(pid: number): Promise<string> {
  if (!Number.isInteger(pid) || pid <= 0) return "";
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The fields after the command's closing parenthesis; the start time is field 22 of all.
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  try {
    process.kill(pid, 0);
    return "running";
  } catch {
    return "";
  }
}
