import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { OperatorError } from "../observability/operator-error.ts";
import { shellWord } from "../observability/shell-word.ts";
import { currentUser, nameOfUser, type SystemUser } from "../observability/user-name.ts";

/** A file or folder that others must not read or change. */
export interface GuardedFile {
  /** Absolute. */
  readonly path: string;
  /** The kind of the file, for a person. */
  readonly what: string;
  /** `settings` hold no secret: others may read them, but not change them. */
  readonly kind: "secret" | "settings" | "folder";
}

/** The file system's facts about a file. */
export interface FileFacts {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** The fault in a file's mode or owner, and the command that fixes it. */
export interface InsecureFile {
  readonly path: string;
  readonly problem: string;
  readonly mend: string;
}

/** Secrets that others can read or change. */
export class InsecureFiles extends OperatorError<"InsecureFiles"> {
  override readonly name = "InsecureFiles";

  constructor(files: readonly InsecureFile[]) {
    const lines = files.map(({ path, problem, mend }) => `  ${path}: ${problem}; mend it with: ${mend}`);
    super(
      `secrets are not safe from other users of this machine (--insecure-permissions starts all the same):\n${lines.join("\n")}`,
    );
  }
}

/**
 * The folder in which container engines mount secrets, with the file's mode and owner on the host, or 0444. Only this
 * process is inside; the host decides who can read them outside.
 */
const MOUNTED_SECRETS = "/run/secrets/";

/** The bits of group and others. */
const GROUP_READ = 0o040;
const GROUP_WRITE = 0o020;
const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o002;
const OTHERS_ENTER = 0o001;

/**
 * The files that unchecked settings name; senseless names are left out.
 *
 * @param file config.yaml itself.
 * @param directory the base of relative paths.
 */
export function guardedFiles(
  settings: Readonly<Record<string, unknown>>,
  file: string,
  directory: string,
): GuardedFile[] {
  const section = (name: string): Readonly<Record<string, unknown>> => asSettings(settings[name]);
  const named = (path: unknown, what: string, kind: GuardedFile["kind"] = "secret"): GuardedFile[] =>
    typeof path === "string" && path !== "" ? [{ path: resolve(directory, path), what, kind }] : [];
  const dataDir = settings["data_dir"];
  const { master_key_file: masterKeyFile, master_key_env: masterKeyEnv } = section("encryption");
  const folder = typeof dataDir === "string" ? resolve(directory, dataDir) : undefined;
  return [
    { path: file, what: "the configuration", kind: section("database")["url"] === undefined ? "settings" : "secret" },
    ...named(section("appservice")["registration"], "the registration"),
    ...(folder === undefined ? [] : [{ path: folder, what: "the data folder", kind: "folder" } as const]),
    ...(masterKeyFile === undefined && masterKeyEnv === undefined && folder !== undefined
      ? named(resolve(folder, "master.key"), "the master key")
      : named(masterKeyFile, "the master key")),
    ...named(section("database")["url_file"], "the database's URL"),
    ...Object.values(section("providers")).flatMap((provider) =>
      named(asSettings(provider)["api_key_file"], "a provider's key"),
    ),
    // Who can change these can pretend to be that server.
    ...[section("homeserver"), ...["providers", "tools"].flatMap((name) => Object.values(section(name)))].flatMap(
      (server) => named(asSettings(server)["ca_file"], "a trusted certificate", "settings"),
    ),
    ...Object.values(section("tools"))
      .map(asSettings)
      .flatMap(({ token_file: token, secrets, sign_in: signIn }) => [
        ...named(token, "a tool server's token"),
        ...named(asSettings(signIn)["client_secret_file"], "a tool server's secret"),
        ...Object.values(asSettings(secrets)).flatMap((source) =>
          named(asSettings(source)["from_file"], "a tool server's secret"),
        ),
      ]),
  ];
}

/**
 * The faults of the existing files. None on systems without file owners.
 *
 * @param self the user that runs the bridge.
 */
export async function insecureFiles(
  files: readonly GuardedFile[],
  self: SystemUser | undefined = currentUser(),
): Promise<InsecureFile[]> {
  if (self === undefined) return [];
  const looked = await Promise.all(
    files.map(async (file) => ({ file, facts: await stat(file.path).catch(() => undefined) })),
  );
  const dataOwner = looked.find(({ file }) => file.kind === "folder")?.facts?.uid;
  return looked.flatMap(({ file, facts }) =>
    facts === undefined ? [] : (judgeFile(file, facts, self, dataOwner) ?? []),
  );
}

/**
 * The fault of a file; undefined when there is none. It may belong to us or to root, and a group of ours or of root's
 * may read it, because systemd, Docker and Kubernetes pass secrets in that way.
 *
 * @param dataOwner the owner of the data folder; undefined where there is none yet.
 */
export function judgeFile(
  file: GuardedFile,
  facts: FileFacts,
  self: SystemUser,
  dataOwner?: number,
): InsecureFile | undefined {
  const { path, kind } = file;
  const found = (problem: string, mend: string): InsecureFile => ({ path, problem: `${file.what} ${problem}`, mend });
  const name = shellWord(path);
  const isMounted = path.startsWith(MOUNTED_SECRETS);
  const isOurs = facts.uid === self.uid;
  // Removing the others' rights is no remedy where we read the file by those rights.
  const takeOver = isOurs ? "" : `chown ${self.name} ${name} && `;
  const closed = `${takeOver}chmod ${kind === "folder" ? "700" : "600"} ${name}`;

  if (!isMounted && !isOurs && facts.uid !== 0) {
    // A bridge that is another user's is not root's to run: what it writes could not be used by that user.
    if (self.uid === 0 && dataOwner !== 0) {
      const owner = nameOfUser(dataOwner ?? facts.uid);
      return found(`belongs to ${nameOfUser(facts.uid)}`, `sudo -u ${owner} matrix-agents …`);
    }
    const mend = `chown ${self.name} ${name}${facts.mode & 0o077 ? ` && chmod ${kind === "folder" ? "700" : "600"} ${name}` : ""}`;
    return found(`belongs to another user (uid ${facts.uid})`, mend);
  }
  if (facts.mode & (GROUP_WRITE | OTHERS_WRITE)) {
    // A folder may be shared with a group of ours, as Kubernetes volumes are.
    const isShared = kind === "folder" && !(facts.mode & OTHERS_WRITE) && self.gids.includes(facts.gid);
    if (!isShared) {
      const who = facts.mode & OTHERS_WRITE ? "everybody" : "its group";
      return found(`can be changed by ${who}`, kind === "settings" ? `chmod go-w ${name}` : closed);
    }
  }
  if (kind === "settings" || isMounted) return undefined;
  if (facts.mode & (OTHERS_READ | OTHERS_ENTER)) return found("can be read by everybody", closed);
  const isOurGroup = self.gids.includes(facts.gid) || facts.gid === 0;
  if (facts.mode & GROUP_READ && !isOurGroup) {
    return found(`can be read by a group that is not ours (gid ${facts.gid})`, closed);
  }
  return undefined;
}

function asSettings(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
