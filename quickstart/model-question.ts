import { openPrompt, Unanswered } from "../src/setup/prompt.ts";
import type { Model } from "./arguments.ts";

export interface ModelQuestionOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly signal: AbortSignal;
  /** Called when the person wants to end it with Ctrl-C or Ctrl-D. */
  readonly onInterrupt: () => void;
}

/**
 * Asks whom to talk to. Throws the signal's reason.
 *
 * @param why there is no model at hand.
 */
export async function askForModel(why: string, options: ModelQuestionOptions): Promise<Model> {
  const { input, output, signal, onInterrupt } = options;
  signal.throwIfAborted();
  const prompt = openPrompt(input, output);
  const close = (): void => prompt.close();
  signal.addEventListener("abort", close);
  try {
    const question = `${why}.\nTalk to the demo agent, or to a tiny real model (130 MB, often wrong)? demo or tiny`;
    const answer = await prompt.ask(question, "demo", (text) =>
      modelOf(text) === undefined ? "Please answer demo or tiny." : undefined,
    );
    return modelOf(answer) ?? "demo";
  } catch (error) {
    if (error instanceof Unanswered) onInterrupt();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

/** The beginning of a word is enough. */
function modelOf(answer: string): Model | undefined {
  const word = answer.trim().toLowerCase();
  return word === "" ? undefined : (["demo", "tiny"] as const).find((model) => model.startsWith(word));
}
