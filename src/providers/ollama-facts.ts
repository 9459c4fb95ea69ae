import type { ModelFacts } from "./provider.ts";

/** The longest name of a remote host, in characters: people read it. */
const LONGEST_HOST = 255;

/** The facts in an answer of Ollama's `/api/show` (older versions give fewer), or in a model's entry of its list. */
export function factsShown(shown: unknown): ModelFacts {
  const {
    capabilities,
    model_info: info,
    remote_host: remote,
    details,
  } = (shown ?? {}) as { capabilities?: unknown; model_info?: unknown; remote_host?: unknown; details?: unknown };
  const sees = Array.isArray(capabilities) && capabilities.includes("vision");
  // Older versions name none.
  const tools = Array.isArray(capabilities) ? { tools: capabilities.includes("tools") } : {};
  const known = new Map<string, unknown>(typeof info === "object" && info !== null ? Object.entries(info) : []);
  const listed = (details ?? {}) as { context_length?: unknown };
  const architecture: unknown = known.get("general.architecture");
  const ofArchitecture = typeof architecture === "string" ? known.get(`${architecture}.context_length`) : undefined;
  const length: unknown = ofArchitecture ?? listed.context_length;
  return {
    sees,
    ...tools,
    ...(typeof length === "number" && length > 0 ? { contextTokens: length } : {}),
    ...(typeof remote === "string" && remote !== "" ? { remoteHost: hostOf(remote) } : {}),
  };
}

/** The host of an address from Ollama. */
function hostOf(address: string): string {
  return (URL.parse(address)?.host ?? address).slice(0, LONGEST_HOST);
}
