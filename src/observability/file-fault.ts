import { statSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { OperatorError } from "./operator-error.ts";
import { shellWord } from "./shell-word.ts";
import { currentUser, nameOfUser } from "./user-name.ts";

/** The file system refuses a file that a command needs. */
export class FileFault extends OperatorError<"FileFault"> {
  override readonly name = "FileFault";
}

/** What was to be done with a file. */
export type FileUse = "read" | "written" | "used";

/** Why a path is refused, and the remedy; undefined where the reason says all. */
export interface FilePathFault {
  readonly reason: string;
  readonly mend?: string;
}

/** An error of the file system about a path. */
interface FileSystemError extends Error {
  readonly code: string;
  readonly path: string;
}

/** The refusal of a file by the file system in words for the admin. It ends any command with 1. */
export function fileFault(error: unknown, path: string, use: FileUse): FileFault {
  return new FileFault(`${path} can't be ${use}: ${reasonOfFileError(error, path)}`, { cause: error });
}

/** The error in words for the admin where the file system refused a path, else unchanged. */
export function explainFileError(error: unknown): unknown {
  if (isOfRemovedFolder(error)) {
    return new FileFault("the current folder can't be used: it has been removed; go to another one", { cause: error });
  }
  if (isOfOpenFile(error))
    return new FileFault(`a file can't be used: ${faultOf(error, "/").reason}`, { cause: error });
  if (!isFileSystemError(error)) return error;
  return fileFault(error, error.path, "used");
}

/** The reason why the file system refuses a path, with the remedy where there is one. */
export function reasonOfFileError(error: unknown, path: string): string {
  const { reason, mend } = faultOf(error, path);
  return mend === undefined ? reason : `${reason}; ${mend}`;
}

/** The same in its two parts. */
export function faultOf(error: unknown, path: string): FilePathFault {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : undefined;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return isOfLink(error) ? NO_LINKS : noRight(path);
    case "ENOENT":
      return {
        reason: factsOf(dirname(path)) === undefined ? `there is no folder ${dirname(path)}` : "there is no such file",
      };
    case "ENOTDIR":
      return noFolder(path);
    case "EEXIST":
      // A folder was to be made.
      if (typeof error === "object" && error !== null && "syscall" in error && error.syscall === "mkdir")
        return noFolder(path);
      return { reason: "it exists already" };
    case "ENOSPC":
    case "EDQUOT":
      return {
        reason: "the disk is full, or its quota is used up",
        mend: `make room there: df -h ${shellWord(existing(path))}`,
      };
    case "EFBIG":
      return {
        reason: "the file would be larger than this user may write",
        mend: "raise the limit (ulimit -f, LimitFSIZE of a systemd unit)",
      };
    case "EROFS":
      return {
        reason: "the file system is read-only",
        mend: "mount it writable, or name another place (a container's volume may be mounted :ro, a systemd unit needs ReadWritePaths)",
      };
    case "EMFILE":
    case "ENFILE":
      return { reason: "too many files are open", mend: "raise the limit (ulimit -n, LimitNOFILE of a systemd unit)" };
    case "EIO":
      return { reason: "the disk fails", mend: "read the system's log (dmesg)" };
    case "ENOTSUP":
    case "EOPNOTSUPP":
    case "ENOSYS":
      if (isOfLink(error)) return NO_LINKS;
      return { reason: `the file system can't do it (${code})`, mend: "name another place" };
    case undefined:
    default:
      return { reason: REASONS.get(code) ?? `the system says ${code ?? "no reason"}` };
  }
}

/** The reasons that need no further words. */
const REASONS: ReadonlyMap<string | undefined, string> = new Map([
  ["EISDIR", "it is a folder, not a file"],
  ["ENOTEMPTY", "it exists already"],
  ["EBADF", "it is not open for that"],
  ["ENXIO", "it is a socket, or a device that is not there"],
  ["ENODEV", "it is a socket, or a device that is not there"],
  ["TOO_LARGE", "it is another file: it is far too large"],
  ["ELOOP", "it is a link that leads to itself"],
  ["ENAMETOOLONG", "its name is too long"],
]);

const NO_LINKS = { reason: "the file system there has no hard links", mend: "name a place on a local disk" };

/** A link of ours leads to a file that we have just made, so that rights are not the reason. */
function isOfLink(error: unknown): boolean {
  return typeof error === "object" && error !== null && "syscall" in error && error.syscall === "link";
}

/** A folder is needed where there is a file: the path itself, or a part of it. */
function noFolder(path: string): FilePathFault {
  const file = existing(path);
  return {
    reason: `${file === path ? "it" : file} is a file, not a folder`,
    mend: "move it away, or name another place",
  };
}

/** Whether the system can't do now what is no mistake about the path: a command or a start that is repeated later may succeed. */
export function isObstacle(error: unknown): boolean {
  return error instanceof Error && "code" in error && OBSTACLES.has(error.code);
}

const OBSTACLES: ReadonlySet<unknown> = new Set([
  ...["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EMFILE", "ENFILE", "ENOMEM"],
  ...["EIO", "ESTALE", "ETIMEDOUT", "EHOSTDOWN", "EBUSY", "EAGAIN", "EINTR"],
]);

/** Who has the right that we lack: the first part of the path that refuses us, from its end. */
function noRight(path: string): FilePathFault {
  const me = currentUser();
  const my = me === undefined ? "this user" : `this user (${me.name})`;
  const refusing = existing(path);
  const facts = factsOf(refusing);
  if (facts === undefined) return { reason: `${my} has no right to it` };
  const owner = nameOfUser(facts.uid);
  const whose = `${refusing === path ? "it" : refusing} belongs to ${owner}, mode ${(facts.mode & 0o777).toString(8)}`;
  const mend =
    facts.uid === me?.uid
      ? `chmod u+rw${facts.isDirectory() ? "x" : ""} ${shellWord(refusing)}`
      : `run the command as that user (sudo -u ${owner} …), or give the file to this one (chown ${me?.name ?? "USER"} ${shellWord(refusing)})`;
  return { reason: `${my} has no right to it: ${whose}`, mend };
}

/** The path itself, or its nearest parent about which we learn anything. */
function existing(path: string): string {
  for (let at = path; ; at = dirname(at)) if (factsOf(at) !== undefined || at === dirname(at)) return at;
}

function factsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Whether the process was started in a folder that is no more: the error has no path. */
function isOfRemovedFolder(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && error.syscall === "uv_cwd";
}

/** Whether the system refused to write into an open file, or to open one more: such an error names no path. */
function isOfOpenFile(error: unknown): boolean {
  return (
    error instanceof Error && !("path" in error) && "syscall" in error && "code" in error && OF_FILES.has(error.code)
  );
}

const OF_FILES: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO"]);

/** Whether the file system refused a path. */
export function isFileSystemError(error: unknown): error is FileSystemError {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    "path" in error &&
    typeof error.path === "string" &&
    "syscall" in error
  );
}
