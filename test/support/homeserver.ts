import { startSynapse, type Synapse, type SynapseOptions } from "../../quickstart/synapse.ts";
import { freePort } from "./free-port.ts";
import { SYNAPSE_VENV } from "./paths.ts";
import { temporaryDirectory } from "./temporary.ts";

/** The domain of test users, but for those of test/federation. */
export const DOMAIN = "example.test";

/** Starts a Synapse for a test; `directory` and `port` of an earlier one bring that one back. */
export async function startHomeserver(options: Partial<SynapseOptions> = {}): Promise<Synapse> {
  return startSynapse({
    venv: options.venv ?? SYNAPSE_VENV,
    directory: options.directory ?? (await temporaryDirectory("synapse")),
    serverName: options.serverName ?? DOMAIN,
    port: options.port ?? (await freePort()),
    registrations: options.registrations ?? [],
    toDevicePush: options.toDevicePush ?? false,
    // Slow hashes of test passwords would only cost time.
    extraConfig: { bcrypt_rounds: 4, ...options.extraConfig },
  });
}
