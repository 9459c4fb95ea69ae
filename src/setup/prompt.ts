import { createInterface } from "node:readline/promises";
import { OperatorError } from "../observability/operator-error.ts";

/** Asks a person; an empty answer means the default. */
export interface Prompt {
  /** Asks until the answer is valid: `check` names the problem with an answer. */
  ask(
    question: string,
    byDefault: string | undefined,
    check: (answer: string) => string | undefined | Promise<string | undefined>,
  ): Promise<string>;
  close(): void;
}

/** The person is gone: Ctrl-C, or the end of the input. */
export class Unanswered extends OperatorError<"Unanswered"> {
  override readonly name = "Unanswered";
}

/** Asks in a terminal, or on other streams. Asking throws {@link Unanswered} when the input has ended. */
export function openPrompt(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Prompt {
  const terminal = createInterface({ input, output });
  const lines = terminal[Symbol.asyncIterator]();
  return {
    async ask(question, byDefault, check) {
      for (;;) {
        output.write(`${question}${byDefault === undefined ? "" : ` [${byDefault}]`}: `);
        const line = await lines.next();
        if (line.done === true) throw new Unanswered("the questions were not all answered; nothing was changed");
        const answer = line.value.trim() === "" ? (byDefault ?? "") : line.value.trim();
        const wrong = answer === "" ? "An answer is needed." : await check(answer);
        if (wrong === undefined) return answer;
        output.write(`${wrong}\n`);
      }
    },
    close: () => terminal.close(),
  };
}
