import { ProviderError } from "./provider.ts";

/** What a request may do without. */
export type Parameter =
  | "temperature"
  | "max_tokens"
  | "max_completion_tokens"
  | "stream_options"
  | "think"
  | "num_predict"
  | "reasoning_effort"
  | "chat_template_kwargs"
  | "thinking"
  | "output_config";

const PARAMETERS: readonly Parameter[] = [
  "temperature",
  "max_completion_tokens",
  "max_tokens",
  "stream_options",
  "think",
  "num_predict",
  "reasoning_effort",
  "chat_template_kwargs",
  "output_config",
  "thinking",
];

/** A model does not take a parameter of a request. */
export class ParameterRefused extends ProviderError {
  readonly parameter: Parameter;

  constructor(parameter: Parameter) {
    super("refused", `the model does not take ${parameter}`);
    this.parameter = parameter;
  }
}

/** As much of an error's words is looked at, in characters. */
const LONGEST_WORDS = 1_000;

const REFUSAL =
  /unsupported|not supported|does(?:n't| not) support|only the default|unrecognized|unknown|unexpected|not permitted|extra inputs|not allowed|deprecated|cannot be (?:set|used)|too large/i;

/** Of Ollama, which names the model before it, or the value. */
const OLLAMA_THINK = /" does not support thinking|think value|thinking .* is not supported for this model/i;

/** Reads of a server's error which parameter it refuses; undefined when it says nothing of one. */
export function refusedParameter(error: {
  readonly param?: unknown;
  readonly message?: unknown;
}): ParameterRefused | undefined {
  const words = typeof error.message === "string" ? error.message.slice(0, LONGEST_WORDS) : "";
  const named = PARAMETERS.find((parameter) => parameter === error.param);
  if (named !== undefined) return new ParameterRefused(named);
  if (!REFUSAL.test(words)) return undefined;
  if (OLLAMA_THINK.test(words)) return new ParameterRefused("think");
  const told = PARAMETERS.find((parameter) => new RegExp(`\\b${parameter}\\b`).test(words));
  if (told !== undefined) return new ParameterRefused(told);
  if (!/\beffort\b/i.test(words)) return undefined;
  return new ParameterRefused(/reasoning/i.test(words) ? "reasoning_effort" : "output_config");
}

/** Which parameters models do not take, learnt from their servers' refusals; forgotten with the process. */
export class RefusedParameters {
  readonly #refused = new Map<string, Set<Parameter>>();

  takes(model: string, parameter: Parameter): boolean {
    return this.#refused.get(model)?.has(parameter) !== true;
  }

  /**
   * Asks, and asks again without what is refused, each parameter once. Nothing of an answer has come by then: servers refuse
   * before they begin.
   */
  async *asking<T>(model: string, ask: () => AsyncIterable<T>): AsyncGenerator<T> {
    for (;;) {
      try {
        yield* ask();
        return;
      } catch (error) {
        const parameter = refusalIn(error)?.parameter;
        if (parameter === undefined || !this.takes(model, parameter)) throw error;
        this.#refused.set(model, new Set([...(this.#refused.get(model) ?? []), parameter]));
      }
    }
  }
}

/** Clients wrap what their fetch throws. */
function refusalIn(error: unknown): ParameterRefused | undefined {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if (inner instanceof ParameterRefused) return inner;
  }
  return undefined;
}
