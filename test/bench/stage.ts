import { prepareDeployment, type Deployment, type DeploymentOptions } from "../support/deployment.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { SYNAPSE_POSTGRES_VENV } from "../support/paths.ts";
import { createDatabase, startPostgres, type Postgres } from "../support/postgres.ts";

/** Synapse and the bridge, each on a separate PostgreSQL that waits for its disk, and a model that answers at once. */
export interface Stage {
  readonly deployment: Deployment;
  readonly model: OllamaServer;
  /** The names of the bridge's agents. */
  readonly names: readonly string[];
  /** The bridge's database server. */
  readonly postgres: Postgres;
  /** The homeserver's. */
  readonly synapsePostgres: Postgres;
  stop(): Promise<void>;
}

export interface StageOptions extends Pick<DeploymentOptions, "extraConfig" | "through"> {
  /** The number of the bridge's agents. */
  readonly agents: number;
  /** Further application services of Synapse: absolute paths of their registrations. */
  readonly registrations?: readonly string[];
  /** Further settings of the bridge's database server. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
}

/** Starts all of it. */
export async function startStage(options: StageOptions): Promise<Stage> {
  const stage = await prepareStage(options);
  try {
    await stage.deployment.startBridge();
  } catch (error) {
    await stage.stop();
    throw error;
  }
  return stage;
}

/** The same with the bridge configured and registered but not started yet. */
export async function prepareStage(options: StageOptions): Promise<Stage> {
  const { agents, registrations = [], postgresSettings = {}, ...rest } = options;
  const names = Array.from({ length: agents }, (_, index) => `a${index}`);
  const atOnce = Math.max(4, agents);
  const started: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const part of started.toReversed()) await part.stop();
  };
  try {
    const model = await startOllamaServer();
    started.push({ stop: () => model.close() });
    const postgres = await startPostgres({ settings: postgresSettings });
    started.push(postgres);
    const synapsePostgres = await startPostgres();
    started.push(synapsePostgres);
    const deployment = await prepareDeployment({
      ...rest,
      postgresUrl: postgres.adminUrl,
      synapse: {
        venv: SYNAPSE_POSTGRES_VENV,
        registrations,
        extraConfig: { database: await synapseDatabase(synapsePostgres) },
      },
      // Otherwise the agents, which all have one model, would wait for one another, as no other program does.
      providers: { ollama: { type: "ollama", url: model.url, max_concurrent: atOnce, num_parallel: atOnce } },
      agents: Object.fromEntries(names.map((name) => [name, { provider: "ollama", model: "llama3.2" }])),
      // The default; tests need more lines than that.
      extraConfig: { logging: { level: "info", format: "json" }, ...rest.extraConfig },
    });
    started.push(deployment);
    return { deployment, model, names, postgres, synapsePostgres, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The section of homeserver.yaml for a fresh database on a server. */
async function synapseDatabase(postgres: Postgres): Promise<object> {
  const url = new URL(await createDatabase(postgres.adminUrl));
  const args = {
    host: url.hostname,
    port: Number(url.port),
    dbname: url.pathname.slice(1),
    user: url.username,
    password: url.password,
    cp_min: 5,
    cp_max: 10,
  };
  return { name: "psycopg2", args };
}
