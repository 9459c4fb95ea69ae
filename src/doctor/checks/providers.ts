import type { AgentConfig, ProviderConfig } from "../../config/config.ts";
import { ProviderError, type InstalledModel, type Provider } from "../../providers/provider.ts";
import { bad, good, unknown, type Check, type Finding } from "../check.ts";

/** Whether each provider answers. A provider outside the network is asked only for its list of models. */
export const providers: Check = {
  name: "providers",
  run: (patient) =>
    Promise.all(
      [...patient.providers].map(async ([name, provider]) =>
        judgeProvider(name, provider, await modelsOf(provider), await saysWhere(provider)),
      ),
    ),
};

function judgeProvider(
  name: string,
  { host, locality }: Pick<Provider, "host" | "locality">,
  models: readonly InstalledModel[] | ProviderError,
  isSure: boolean,
): Finding {
  if (models instanceof ProviderError) {
    const mend =
      models.code === "refused" ? `check the key of providers.${name}` : `start it, or correct providers.${name}.url`;
    return bad(`${name} at ${host}: ${models.message}`, mend);
  }
  const count = `${models.length} ${models.length === 1 ? "model" : "models"}`;
  const where = isSure ? locality : `${locality} by its address; it does not say whether it passes anything on`;
  return good(`${name} at ${host} (${where}) answers, ${count}`);
}

/** Whether the agents' models exist. */
export const models: Check = {
  name: "models",
  async run({ config, providers: all }) {
    const findings = await Promise.all(
      [...config.agents.values()].map(async (agent) => {
        const [settings, provider] = [config.providers.get(agent.provider), all.get(agent.provider)];
        if (settings === undefined || provider === undefined || agent.model === undefined) return undefined;
        return judgeModel(agent, settings, await modelsOf(provider));
      }),
    );
    const told = findings.filter((finding) => finding !== undefined);
    const discovering = [...config.providers].filter(([, settings]) => "discover" in settings && settings.discover);
    const empty = await Promise.all(
      discovering.map(async ([name]) => {
        const provider = all.get(name);
        const found = provider === undefined ? [] : await modelsOf(provider);
        if (found instanceof ProviderError || found.some(({ canChat }) => canChat)) return undefined;
        return bad(
          `${name} has no model that can chat, so it has no agents`,
          `install one: matrix-agents pull ${name} llama3.2:3b`,
        );
      }),
    );
    const findingsOfAll = [...told, ...empty.filter((finding) => finding !== undefined)];
    return findingsOfAll.length === 0 ? [good("every agent has its model")] : findingsOfAll;
  },
};

export function judgeModel(
  agent: Pick<AgentConfig, "name" | "provider" | "model">,
  { type }: Pick<ProviderConfig, "type">,
  installed: readonly InstalledModel[] | ProviderError,
): Finding | undefined {
  const { name, provider, model = "" } = agent;
  if (installed instanceof ProviderError) return unknown(`${name}: ${provider} does not answer`);
  const isThere = installed.some((other) => withTag(other.name) === withTag(model));
  if (isThere) return good(`${name}: ${model}`);
  // Their lists leave out aliases.
  if (type === "anthropic") return unknown(`${name}: ${model} is not among the names that ${provider} lists`);
  return bad(
    `${name}: ${provider} does not have ${model}`,
    type === "ollama" ? `matrix-agents pull ${provider} ${model}` : `set agents.${name}.model to a model that it has`,
  );
}

async function modelsOf(provider: Provider): Promise<readonly InstalledModel[] | ProviderError> {
  try {
    return await provider.models();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
}

/** Whether it is known where a provider's models run: the provider says so, or is no model server of one's own. */
async function saysWhere({ relay }: Provider): Promise<boolean> {
  try {
    return (await relay?.saysWhere()) ?? true;
  } catch (error) {
    if (error instanceof ProviderError) return false;
    throw error;
  }
}

/** Ollama's default tag for a model that is named without one. */
function withTag(model: string): string {
  return model.includes(":") ? model : `${model}:latest`;
}
