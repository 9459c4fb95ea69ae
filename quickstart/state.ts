import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { QuickstartError } from "./errors.ts";
import { type Folder, writeSecret } from "./folder.ts";
import { isObject } from "../src/matrix/json.ts";

/** The values that stay the same from run to run. */
export interface State {
  /** The domain in every user id and room id; it can never change once Synapse has started with it. */
  readonly serverName: string;
  readonly synapsePort: number;
  readonly bridgePort: number;
  readonly user: { readonly localpart: string; readonly password: string };
}

/** Ports below the ranges that systems give out by themselves, so that they are free again at the next run. */
const FIRST_STATE = { serverName: "localhost", synapsePort: 18_008, bridgePort: 19_008 };

/** The state of a first run, with a fresh password. */
export function firstState(): State {
  return { ...FIRST_STATE, user: { localpart: "you", password: randomBytes(12).toString("base64url") } };
}

/** Reads what {@link saveState} wrote; undefined before the first run. Throws {@link QuickstartError} when it is damaged. */
export async function loadState(folder: Folder): Promise<State | undefined> {
  const text = await readFile(folder.state, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const state = parseState(text);
  if (state === undefined) {
    throw new QuickstartError(`${folder.state} is damaged; start afresh with: npm run quickstart -- --reset`);
  }
  return state;
}

/** Keeps the state, readable by its owner alone. */
export async function saveState(folder: Folder, state: State): Promise<void> {
  await writeSecret(folder.state, `${JSON.stringify(state, null, 2)}\n`);
}

/** The state in this JSON; undefined when it is none. */
export function parseState(text: string): State | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || !isObject(value["user"])) return undefined;
  const { serverName, synapsePort, bridgePort, user } = value;
  const { localpart, password } = user;
  return isText(serverName) && isPort(synapsePort) && isPort(bridgePort) && isText(localpart) && isText(password)
    ? { serverName, synapsePort, bridgePort, user: { localpart, password } }
    : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65_536;
}
