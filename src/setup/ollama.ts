import { Ollama } from "ollama";
import { canChat } from "../providers/can-chat.ts";
import { cloudByName } from "../providers/ollama-cloud.ts";

/** A model that an Ollama has installed. */
export interface LocalModel {
  /** In Ollama's form, e.g. `llama3.2:3b`. */
  readonly name: string;
  /** Size on disk in bytes. */
  readonly size: number;
  /** Whether Ollama sends its prompts on to another machine. */
  readonly remote: boolean;
  /** Whether it can hold a conversation; embedding models cannot. */
  readonly canChat: boolean;
}

/** The finding at an address. */
export type FoundOllama =
  | { readonly kind: "absent" }
  /** Something answers, but not like Ollama. */
  | { readonly kind: "unusable"; readonly reason: string }
  | { readonly kind: "found"; readonly models: readonly LocalModel[] };

const ANSWER_TIMEOUT_MS = 5000;

/** Asks the Ollama at this URL for its models. Throws only when `signal` aborts. */
export async function findOllama(url: string, signal: AbortSignal): Promise<FoundOllama> {
  const client = new Ollama({
    host: url,
    fetch: (input, init) =>
      fetch(input, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]) }),
  });
  try {
    const { models } = await client.list();
    const known = await Promise.all(
      models.map(async ({ name, size, ...rest }): Promise<LocalModel> => {
        const remote = ("remote_host" in rest && Boolean(rest.remote_host)) || cloudByName(name) !== undefined;
        // Ollama would pass the question on to the other machine.
        if (remote) return { name, size, canChat: true, remote };
        const { capabilities } = await client.show({ model: name }).catch(ignoreRefusal);
        // Ollama before 0.6.4 does not report a model's abilities.
        return { name, size, canChat: canChat({ name, capabilities }), remote };
      }),
    );
    return { kind: "found", models: known };
  } catch (error) {
    signal.throwIfAborted();
    const refused = error instanceof TypeError || (error instanceof Error && error.name === "TimeoutError");
    return refused ? { kind: "absent" } : { kind: "unusable", reason: error instanceof Error ? error.message : "" };
  }
}

/** One model's missing abilities say nothing about the others. */
function ignoreRefusal(error: unknown): { readonly capabilities?: unknown } {
  if (error instanceof TypeError || !(error instanceof Error) || error.name === "TimeoutError") throw error;
  return {};
}

/**
 * The first model to talk to: the smallest that can chat, because it answers soonest on this machine. A model that runs
 * elsewhere is never chosen unasked, because the conversation would leave this machine.
 */
export function chooseModel(models: readonly LocalModel[]): LocalModel | undefined {
  return models
    .filter((model) => model.canChat && !model.remote)
    .toSorted((a, b) => a.size - b.size || a.name.localeCompare(b.name))[0];
}
