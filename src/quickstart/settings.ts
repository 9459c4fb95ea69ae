import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { dump, load } from "js-yaml";
import { makeRegistration, type RegistrationFile } from "../config/registration.ts";
import { type Folder, writeSecret } from "./folder.ts";
import type { State } from "./state.ts";

/** The key of the Ollama found under `providers:` in config.yaml. */
export const OLLAMA_PROVIDER = "ollama";

/**
 * Writes config.yaml and registration.yaml for the ports at hand. The registration's tokens stay the same, for Synapse
 * and the bridge know the ghosts by them.
 *
 * @param ollama URL of an Ollama, each of whose models becomes an agent; without it there is the demo agent alone.
 */
export async function writeSettings(folder: Folder, state: State, ollama: string | undefined): Promise<void> {
  await writeSecret(folder.registration, dump(await registration(folder, state)));
  const config = {
    homeserver: { url: `http://127.0.0.1:${state.synapsePort}`, domain: state.serverName },
    appservice: { registration: `./${basename(folder.registration)}`, bind: "127.0.0.1", port: state.bridgePort },
    data_dir: `./${basename(folder.data)}`,
    logging: { level: "info", format: "json" },
    providers: {
      demo: { type: "demo" },
      ...(ollama === undefined ? {} : { [OLLAMA_PROVIDER]: { type: "ollama", url: ollama, discover: true } }),
    },
    agents: { demo: { provider: "demo", display_name: "Demo" } },
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
