import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { dump, load } from "js-yaml";
import { makeRegistration, type RegistrationFile } from "../src/config/registration.ts";
import { type Folder, writeSecret } from "./folder.ts";
import type { State } from "./state.ts";
import { TINY_MODEL } from "./tiny-model.ts";

/** The key of the demo under `providers:` in config.yaml. */
export const DEMO_PROVIDER = "demo";

/** The key of the Ollama found under `providers:` in config.yaml. */
export const OLLAMA_PROVIDER = "ollama";

/** The agent of the tiny model, and its provider. */
export const TINY = "tiny";

/** Where models are that agents are made for, each a URL. */
export interface ModelServers {
  /** An Ollama, each of whose models becomes an agent. */
  readonly ollama?: string | undefined;
  /** The tiny model's server. */
  readonly tiny?: string | undefined;
}

/**
 * Writes config.yaml and registration.yaml for the ports at hand. The registration's tokens stay the same, because
 * Synapse and the bridge know the ghosts by them. Without any model's server there is only the demo agent.
 */
export async function writeSettings(folder: Folder, state: State, { ollama, tiny }: ModelServers): Promise<void> {
  await writeSecret(folder.registration, dump(await registration(folder, state)));
  const config = {
    homeserver: { url: `http://127.0.0.1:${state.synapsePort}`, domain: state.serverName },
    appservice: { registration: `./${basename(folder.registration)}`, bind: "127.0.0.1", port: state.bridgePort },
    data_dir: `./${basename(folder.data)}`,
    logging: { level: "info", format: "json" },
    providers: {
      [DEMO_PROVIDER]: { type: "demo" },
      ...(ollama === undefined ? {} : { [OLLAMA_PROVIDER]: { type: "ollama", url: ollama, discover: true } }),
      ...(tiny === undefined ? {} : { [TINY]: { type: "openai", url: `${tiny}/v1`, max_concurrent: 1 } }),
    },
    agents: {
      demo: { provider: DEMO_PROVIDER, display_name: "Demo" },
      // A cooler head than the server's own keeps a small model to the matter.
      ...(tiny === undefined
        ? {}
        : { [TINY]: { provider: TINY, model: TINY_MODEL, display_name: "SmolLM2", temperature: 0.2 } }),
    },
  };
  await writeSecret(folder.config, `# Written anew by each quickstart.\n${dump(config)}`);
}

/** A token that Synapse and the bridge have used is never replaced. */
async function registration(folder: Folder, state: State): Promise<RegistrationFile> {
  const fresh = makeRegistration({ domain: state.serverName, url: `http://127.0.0.1:${state.bridgePort}` });
  const text = await readFile(folder.registration, "utf8").catch(() => undefined);
  if (text === undefined) return fresh;
  const { as_token, hs_token } = load(text) as RegistrationFile;
  return { ...fresh, as_token, hs_token };
}
