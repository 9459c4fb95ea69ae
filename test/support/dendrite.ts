import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dump, load } from "js-yaml";
import { registerUser, type Exit } from "../../quickstart/synapse.ts";
import { eventually } from "./eventually.ts";
import { runGo } from "./go.ts";
import { inCheckout } from "./paths.ts";
import { lastLines, startProcess, type Process } from "./process.ts";

/** The last Dendrite under the Apache licence. */
export const DENDRITE_VERSION = "0.13.8";

const MODULE = "github.com/matrix-org/dendrite";
const BIN = inCheckout(`.cache/dendrite-${DENDRITE_VERSION}`);

/** Builds Dendrite from the Go module proxy; quick when it is there. Throws VenvError. */
export async function ensureDendrite(progress: (line: string) => void): Promise<void> {
  progress(`Building Dendrite ${DENDRITE_VERSION}, which takes some minutes the first time …`);
  const programs = ["dendrite", "generate-keys", "generate-config"];
  const modules = programs.map((name) => `${MODULE}/cmd/${name}@v${DENDRITE_VERSION}`);
  // Its data are in PostgreSQL, so that no C is needed.
  const { code, said } = await runGo("go", ["install", "-buildvcs=false", ...modules], { env: { GOBIN: BIN } });
  if (code !== 0) throw new Error(`Dendrite can't be built:\n${said.slice(-20).join("\n")}`);
}

export interface DendriteOptions {
  /** Everything but its database: settings, keys, files, and the events on their way to the application service. */
  readonly directory: string;
  readonly serverName: string;
  readonly port: number;
  /** The URL of its own PostgreSQL database. */
  readonly database: string;
  /** Absolute paths of application-service registrations. */
  readonly registrations: readonly string[];
}

/** A running Dendrite on loopback. */
export interface Dendrite {
  readonly url: string;
  readonly serverName: string;
  /** Makes an ordinary user. */
  registerUser(localpart: string, password: string): Promise<void>;
  /** The end of what it printed. */
  log(): string;
  /** Ends it and starts it again on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<Exit>;
}

/** Starts Dendrite and waits until it answers. Throws with the end of its log when it does not. */
export async function startDendrite(options: DendriteOptions): Promise<Dendrite> {
  const { directory, serverName, port } = options;
  const secret = randomBytes(16).toString("hex");
  const config = join(directory, "dendrite.yaml");
  await run("generate-keys", "--private-key", join(directory, "matrix_key.pem"));
  await writeFile(config, dump(await settings(options, secret)), { mode: 0o600 });
  const url = `http://127.0.0.1:${port}`;
  const start = async (): Promise<Process> => {
    const process = await startProcess({
      command: join(BIN, "dendrite"),
      args: ["--config", config, "--http-bind-address", `127.0.0.1:${port}`, "--https-bind-address", "127.0.0.1:0"],
      cwd: directory,
    });
    await eventually(
      "Dendrite to answer",
      async () => {
        if (process.exit() !== undefined) throw new Error(`Dendrite did not start:\n${lastLines(process)}`);
        return (await fetch(`${url}/_matrix/client/versions`).catch(() => undefined))?.ok;
      },
      { timeoutMs: 60_000, instead: () => lastLines(process) },
    );
    return process;
  };
  let process = await start();
  return {
    url,
    serverName,
    registerUser: (localpart, password) => registerUser(url, secret, localpart, password),
    log: () => lastLines(process),
    restart: async () => {
      await process.stop();
      process = await start();
    },
    stop: () => process.stop(),
  };
}

/** The settings that Dendrite writes for a new server, with ours. */
async function settings(
  { directory, serverName, database, registrations }: DendriteOptions,
  secret: string,
): Promise<object> {
  const made = await run(
    "generate-config",
    "--server",
    serverName,
    "--dir",
    directory,
    "--db",
    `${database}?sslmode=disable`,
  );
  const config = load(made) as Record<string, Record<string, unknown>>;
  const section = (name: string): Record<string, unknown> => config[name] ?? {};
  return {
    ...config,
    global: {
      ...section("global"),
      private_key: join(directory, "matrix_key.pem"),
    },
    // Nobody is there to federate with; it names itself on that API alone.
    federation_api: { ...section("federation_api"), key_perspectives: [] },
    app_service_api: { ...section("app_service_api"), config_files: registrations },
    client_api: {
      ...section("client_api"),
      registration_shared_secret: secret,
      rate_limiting: { enabled: false },
    },
    user_api: { ...section("user_api"), bcrypt_cost: 4 },
    logging: [{ type: "std", level: "info" }],
  };
}

async function run(program: string, ...args: readonly string[]): Promise<string> {
  const process = await startProcess({ command: join(BIN, program), args });
  const { code } = await process.exited;
  if (code !== 0) throw new Error(`${program} failed:\n${lastLines(process)}`);
  return process.stdout.join("\n");
}
