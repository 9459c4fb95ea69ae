import { spawn } from "node:child_process";
import { once } from "node:events";
import type { HttpToolServer } from "../../src/config/config.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { ToolServer } from "../../src/tools/tool-server.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { inCheckout } from "./paths.ts";
import { realToolServer, toolProgram } from "./tool-servers.ts";

/** The configuration of a server over HTTP. */
export function toolsAt(url: string, more: Partial<HttpToolServer> = {}): HttpToolServer {
  const { cloudModels, tools, approvers, approverUsers, resources, questions, prompts, callTimeoutMs, idleAfterMs } =
    toolProgram([]);
  const rules = {
    cloudModels,
    tools,
    approvers,
    approverUsers,
    resources,
    questions,
    prompts,
    callTimeoutMs,
    idleAfterMs,
  };
  return { type: "http", ...rules, url, locality: "local", ...more };
}

/** A running program. */
async function startProgram(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), once(child.stderr, "data")]);
  return async () => {
    child.kill("SIGKILL");
    await exited;
  };
}

/** Starts tool servers over HTTP, and makes connections to them. */
export function httpToolServers() {
  const servers: ToolServer[] = [];
  const httpServer = (url: string, token?: string): ToolServer => {
    const server = new ToolServer("web", toolsAt(url, token === undefined ? {} : { token }), silentLogger());
    servers.push(server);
    return server;
  };
  return {
    httpServer,
    /** The official library's, of the present protocol, for those who have the token. */
    startHttpToolServer: async (token: string) => {
      const port = await freePort();
      const stop = await startProgram([inCheckout("test/support/modern-tool-server.mjs"), String(port), token]);
      const url = `http://127.0.0.1:${port}`;
      return {
        url,
        server: (given: string | undefined) => httpServer(`${url}/mcp`, given),
        [Symbol.asyncDispose]: stop,
      };
    },
    /** The reference server, of an older protocol. */
    startEverythingOverHttp: async () => {
      const port = await freePort();
      const stop = await startProgram([realToolServer("everything"), "streamableHttp"], { PORT: String(port) });
      const url = `http://127.0.0.1:${port}/mcp`;
      await eventually("the server to listen", () =>
        fetch(url).then(
          () => true,
          () => false,
        ),
      );
      return { server: httpServer(url), [Symbol.asyncDispose]: stop };
    },
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
