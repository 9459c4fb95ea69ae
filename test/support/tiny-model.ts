import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startTinyModel, type TinyModel, type TinyModelOptions } from "../../quickstart/tiny-model.ts";
import { MODEL_VENV } from "./paths.ts";
import { temporaryDirectory } from "./temporary.ts";

/** A real llama-server with a tiny model, which may be killed and started again at the same address. */
export interface RealModel extends AsyncDisposable {
  readonly url: string;
  /** The server's name for its model: the path of its file. */
  readonly model: string;
  /** Its output so far, restarts included. */
  log(): Promise<string>;
  /** Whether an answer is being made (`/slots`). */
  isBusy(): Promise<boolean>;
  kill(): Promise<void>;
  /** Starts it again, with another context window if one is given. */
  restart(contextTokens?: number): Promise<void>;
}

/** Starts one on one thread. The suite `models` has the necessary programs installed. */
export async function startRealModel(
  options: Pick<TinyModelOptions, "contextTokens" | "endless" | "template">,
): Promise<RealModel> {
  const logFile = join(await temporaryDirectory("model"), "model.log");
  const start = (more: Partial<TinyModelOptions> = {}): Promise<TinyModel> =>
    startTinyModel({ venv: MODEL_VENV, logFile, ...options, ...more });
  let server = await start();
  const { url, port } = server;
  const ask = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json();
  const { data } = (await ask("/v1/models")) as { data: { id: string }[] };
  return {
    url,
    model: data[0]?.id ?? "",
    log: () => readFile(logFile, "utf8"),
    isBusy: async () => ((await ask("/slots")) as { is_processing: boolean }[]).some((slot) => slot.is_processing),
    async kill() {
      server.kill("SIGKILL");
      await server.exited;
    },
    async restart(contextTokens = options.contextTokens) {
      await server.stop();
      server = await start({ port, contextTokens });
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
