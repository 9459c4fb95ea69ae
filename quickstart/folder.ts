import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Where the quickstart keeps what it makes. Absolute paths. */
export interface Folder {
  readonly root: string;
  /** The Python environment with Synapse. */
  readonly venv: string;
  /** The one with the tiny model and its server, where somebody chose it. */
  readonly modelVenv: string;
  /** Held while a quickstart runs. */
  readonly lock: string;
  readonly state: string;
  /** The open session of the person's client; there only while it is logged in. */
  readonly session: string;
  /** The key to the person's secret storage, as any Matrix client asks for it. */
  readonly recoveryKey: string;
  readonly synapse: string;
  readonly config: string;
  readonly registration: string;
  /** The bridge's database. */
  readonly data: string;
  readonly bridgeLog: string;
  readonly modelLog: string;
}

/** The files that `--reset` throws away: everything but the environments, which hold no data, and the lock. */
export const DATA: readonly (keyof Folder)[] = [
  "state",
  "session",
  "recoveryKey",
  "synapse",
  "config",
  "registration",
  "data",
  "bridgeLog",
  "modelLog",
];

/**
 * The layout of `.local/` in a checkout. `QUICKSTART_DIR` puts everything elsewhere but the Python environments, which
 * `QUICKSTART_VENV` and `QUICKSTART_MODEL_VENV` do.
 */
export function folderOf(checkout: string, env: NodeJS.ProcessEnv): Folder {
  const local = join(checkout, ".local");
  const root = resolve(env["QUICKSTART_DIR"] ?? local);
  return {
    root,
    venv: resolve(env["QUICKSTART_VENV"] ?? join(local, "venv")),
    modelVenv: resolve(env["QUICKSTART_MODEL_VENV"] ?? join(local, "model-venv")),
    lock: join(root, "quickstart.lock"),
    state: join(root, "state.json"),
    session: join(root, "session.json"),
    recoveryKey: join(root, "recovery-key.txt"),
    synapse: join(root, "synapse"),
    config: join(root, "config.yaml"),
    registration: join(root, "registration.yaml"),
    data: join(root, "data"),
    bridgeLog: join(root, "bridge.log"),
    modelLog: join(root, "model.log"),
  };
}

/** Makes the folder, for its owner alone. */
export async function makeFolder(folder: Folder): Promise<void> {
  await mkdir(folder.root, { recursive: true, mode: 0o700 });
}

/** Removes what {@link DATA} names. */
export async function clearFolder(folder: Folder): Promise<void> {
  for (const entry of DATA) await rm(folder[entry], { recursive: true, force: true });
}

/** Writes a file that only its owner can read; it is there whole or not at all. */
export async function writeSecret(path: string, content: string): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await writeFile(draft, content, { mode: 0o600, flush: true });
  await rename(draft, path);
}
