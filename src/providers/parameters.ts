import { type ModelFacts, ProviderError } from "./provider.ts";

/** A parameter that a request can do without. */
export type Parameter =
  | "tools"
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

/**
 * The parameters for the amount of thinking, one for each protocol: a server behind another protocol may name its own
 * in a refusal.
 */
const EFFORTS: readonly Parameter[] = [
  "think",
  "reasoning_effort",
  "chat_template_kwargs",
  "output_config",
  "thinking",
];

const PARAMETERS: readonly Parameter[] = [
  "temperature",
  "max_completion_tokens",
  "max_tokens",
  "stream_options",
  "num_predict",
  ...EFFORTS,
];

/** A model refuses a parameter of a request, or its value. */
export class ParameterRefused extends ProviderError {
  /** The parameters that the server may mean; one of them was sent. */
  readonly parameters: readonly Parameter[];
  /** Whether another value might be accepted. */
  readonly isValue: boolean;

  constructor(parameters: readonly Parameter[], isValue = false) {
    super("refused", `the model does not take ${parameters.join(" or ")}${isValue ? " so" : ""}`);
    this.parameters = parameters;
    this.isValue = isValue;
  }
}

/** The part of an error's words that is examined, in characters. */
const LONGEST_WORDS = 1_000;

const REFUSAL =
  /unsupported|not supported|does(?:n't| not) support|only the default|unrecognized|unknown|unexpected|not permitted|extra inputs|not allowed|deprecated|cannot be (?:set|used)|too large/i;

/** The value is refused, and others would be accepted. */
const VALUE = /supported values are|too large|must be (?:less|at most|between)/i;

/** Ollama's words, which name the model or the value before. */
const OLLAMA_THINK = /" does not support thinking|think value|thinking .* is not supported for this model/i;

/**
 * The model, or its server, takes no tools at all: Ollama and llama-server, an older llama-server, vLLM, OpenRouter. The
 * fault of one tool is worded otherwise, and must not take all of them from the model.
 */
const NO_TOOLS =
  /does not support tools|unsupported param: tools|tools param requires|tool choice requires|support tool (?:use|calling)|function calling is not (?:enabled|supported)/i;

/** The parameter that a server's error refuses; undefined when it names none. */
export function refusedParameter(error: {
  readonly param?: unknown;
  readonly message?: unknown;
}): ParameterRefused | undefined {
  const words = typeof error.message === "string" ? error.message.slice(0, LONGEST_WORDS) : "";
  const isValue = VALUE.test(words);
  const named = PARAMETERS.find((parameter) => parameter === error.param);
  if (named !== undefined) return new ParameterRefused([named], isValue);
  if (NO_TOOLS.test(words)) return new ParameterRefused(["tools"]);
  if (!REFUSAL.test(words)) return undefined;
  if (OLLAMA_THINK.test(words)) return new ParameterRefused(EFFORTS);
  const told = PARAMETERS.filter((parameter) => new RegExp(`\\b${parameter}\\b`).test(words));
  if (told.some((parameter) => EFFORTS.includes(parameter)))
    return new ParameterRefused([...told, ...EFFORTS], isValue);
  if (told.length > 0) return new ParameterRefused(told, isValue);
  return /\beffort\b/i.test(words) ? new ParameterRefused(EFFORTS, isValue) : undefined;
}

/** Whether a parameter may be sent; asked for each one. */
export type Takes = (parameter: Parameter) => boolean;

/** The parameters that models refuse, learnt from their servers' errors; forgotten with the process. */
export class RefusedParameters {
  readonly #refused = new Map<string, Set<Parameter>>();

  /** The facts of a model, with what its refusals have shown. */
  factsOf(model: string, facts: ModelFacts): ModelFacts {
    return this.#refused.get(model)?.has("tools") === true ? { ...facts, tools: false } : facts;
  }

  /**
   * Sends a request, and repeats it without each refused parameter, once for each; a refused value is left out only
   * this time. Once a part of the answer has come, nothing is repeated.
   *
   * @param ask sends the request with those of its parameters that the model accepts.
   */
  async *asking<T>(model: string, ask: (takes: Takes) => AsyncIterable<T>): AsyncGenerator<T> {
    const now = new Set<Parameter>();
    for (;;) {
      const sent = new Set<Parameter>();
      const takes: Takes = (parameter) => {
        const isTaken = !now.has(parameter) && this.#refused.get(model)?.has(parameter) !== true;
        if (isTaken) sent.add(parameter);
        return isTaken;
      };
      let isBegun = false;
      try {
        for await (const piece of ask(takes)) {
          isBegun = true;
          yield piece;
        }
        return;
      } catch (error) {
        const refusal = isBegun ? undefined : refusalIn(error);
        const parameter = refusal?.parameters.find((one) => sent.has(one));
        if (refusal === undefined || parameter === undefined) throw error;
        now.add(parameter);
        if (!refusal.isValue) this.#refused.set(model, new Set([...(this.#refused.get(model) ?? []), parameter]));
      }
    }
  }
}

/** Clients wrap the errors of their fetch. */
function refusalIn(error: unknown): ParameterRefused | undefined {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if (inner instanceof ParameterRefused) return inner;
  }
  return undefined;
}
