import { startDeployment, type Deployment, type DeploymentOptions } from "../support/deployment.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { startSqlWire, type SqlWire } from "../support/sql-wire.ts";

/** A call of the bridge to the homeserver. */
export interface Call {
  readonly method: string;
  /** Without the query, and with `*` for ids. */
  readonly path: string;
  readonly at: number;
}

/** A deployment on whose connections every call and statement is counted. */
export interface Counted {
  readonly deployment: Deployment;
  readonly model: OllamaServer;
  readonly sql: SqlWire;
  readonly calls: Call[];
  stop(): Promise<void>;
}

/** Starts one with an agent `llama` on a simulated Ollama. */
export async function startCounted(options: Pick<DeploymentOptions, "extraConfig" | "postgresUrl">): Promise<Counted> {
  const model = await startOllamaServer();
  model.install("llama3.2", { tokenMs: 0 });
  const calls: Call[] = [];
  let synapse = 0;
  let sql: SqlWire | undefined;
  const homeserver = await startHttpProxy(() => synapse);
  homeserver.intercept = (request) => {
    const path = (request.url.split("?", 1)[0] ?? "").replaceAll(/\/[!@$%][^/]*|\/[0-9a-zA-Z_-]{20,}/g, "/*");
    calls.push({ method: request.method, path, at: performance.now() });
    return homeserver.forward(request);
  };
  const parts = async (): Promise<void> => {
    await Promise.all([homeserver.stop(), sql?.stop(), model.close()]);
  };
  try {
    const deployment = await startDeployment({
      ...options,
      database: "postgres",
      providers: { ollama: { type: "ollama", url: model.url } },
      agents: { llama: { provider: "ollama", model: "llama3.2" } },
      through: async (edge, address) => {
        const url = new URL(address);
        if (edge === "synapse to bridge") return address;
        if (edge === "bridge to synapse") {
          synapse = Number(url.port);
          return homeserver.url;
        }
        sql = await startSqlWire(Number(url.port));
        url.port = String(sql.port);
        return url.href;
      },
    });
    if (sql === undefined) throw new Error("the bridge does not use PostgreSQL");
    const stop = async (): Promise<void> => {
      await deployment.stop();
      await parts();
    };
    return { deployment, model, sql, calls, stop };
  } catch (error) {
    await parts();
    throw error;
  }
}
