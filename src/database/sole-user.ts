import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileFault } from "../observability/file-fault.ts";
import { OperatorError } from "../observability/operator-error.ts";

/** Another process already has the embedded database, which takes only one. */
export class DatabaseInUse extends OperatorError<"DatabaseInUse"> {
  override readonly name = "DatabaseInUse";
}

/** An exclusive claim on a folder. */
export interface SoleUse {
  release(): Promise<void>;
}

/** The kind of a process that uses a folder: a command ends by itself, a bridge does not. */
export type UserKind = "bridge" | "command";

/** The running process that has claimed a folder. */
export interface FolderUser {
  readonly pid: number;
  readonly kind: UserKind;
}

/** The longest time for which each kind of process waits for each kind of holder, in ms. */
const PATIENCE: Readonly<Record<UserKind, Readonly<Record<UserKind, number>>>> = {
  // The holder may be the former bridge, which is about to end.
  bridge: { bridge: 10_000, command: 60_000 },
  command: { bridge: 0, command: 30_000 },
};

/** The pause between two looks at a holder, in ms. */
const LOOK_AGAIN_MS = 100;

/** The most takeovers in a row that others are let win. */
const MOST_ATTEMPTS = 100;

/**
 * Claims a folder by a lock file that names this process. A file whose process is gone is taken over, and a process that
 * will soon be done is waited for. Throws {@link DatabaseInUse}.
 *
 * @param waits called once when it begins to wait.
 */
export async function claimDirectory(
  directory: string,
  kind: UserKind = "bridge",
  waits: (holder: FolderUser) => void = () => undefined,
): Promise<SoleUse> {
  const path = lockOf(directory);
  const mine = `${process.pid} ${await startedAt(process.pid)} ${kind}`;
  const began = performance.now();
  let isTold = false;
  for (let attempt = 0; attempt < MOST_ATTEMPTS;) {
    if (await putInPlace(path, mine)) {
      return { release: () => rm(path, { force: true }) };
    }
    const content = await holderOf(path);
    const holder = await userOf(content);
    if (holder === undefined) {
      await removeStale(path, content, mine);
      attempt += 1;
      continue;
    }
    if (performance.now() - began >= PATIENCE[kind][holder.kind]) {
      throw new DatabaseInUse(
        `another matrix-agents process (${holder.kind}, pid ${holder.pid}) is using ${directory}, and this needs the embedded database to itself: stop that one first. PostgreSQL (database.url) takes several processes`,
      );
    }
    if (!isTold) waits(holder);
    isTold = true;
    await sleep(LOOK_AGAIN_MS);
  }
  throw new DatabaseInUse(`could not claim ${path}: another process keeps taking it`);
}

/** The running process that has claimed a folder; undefined when there is none. Changes nothing. */
export async function userOfDirectory(directory: string): Promise<FolderUser | undefined> {
  return userOf(await holderOf(lockOf(directory)));
}

function lockOf(directory: string): string {
  return join(directory, "matrix-agents.lock");
}

async function userOf(content: string): Promise<FolderUser | undefined> {
  if (!(await isRunning(content))) return undefined;
  const [pid = "", , kind] = content.split(" ");
  return { pid: Number(pid), kind: kind === "command" ? "command" : "bridge" };
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
    throw fileFault(error, path, "written");
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
