import { createInterface } from "node:readline";
import { ask, bodyOf, NoticeInstead } from "./ask.ts";
import type { DirectChat } from "./direct-chat.ts";
import { QuickstartError } from "./errors.ts";
import { gatherEvidence, proofLine } from "./proof.ts";
import { plainText, renderAnswer, style } from "./terminal.ts";

export interface ChatOptions {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called when the person wants to end it with Ctrl-C. */
  readonly onInterrupt: () => void;
}

const CLEAR_LINE = "\r\x1b[2K";

/**
 * Says each line of the input to the agent and prints what comes back, until the input ends. On a terminal it prompts,
 * and shows when the agent is typing. An aborted signal ends it, too; its reason is thrown when it is an error of ours.
 */
export async function runChat(chat: DirectChat, options: ChatOptions): Promise<void> {
  const { input, output, signal } = options;
  const onTerminal = input.isTTY && output.isTTY;
  const name = plainText(chat.partnerName);
  const lines = createInterface({ input, output, terminal: onTerminal, prompt: "you> ", signal });
  lines.on("SIGINT", options.onInterrupt);

  const print = (text: string): void => {
    output.write(`${onTerminal ? CLEAR_LINE : ""}${text}\n`);
  };
  let answering = false;
  const prompt = (): void => {
    if (onTerminal && !answering) lines.prompt(true);
  };
  const stopMessages = chat.onMessage((message) => {
    print(`${onTerminal ? style("green", name) : name}: ${renderAnswer(bodyOf(message), onTerminal)}`);
    prompt();
  });
  const stopTyping = chat.onTyping((typing) => {
    if (!onTerminal || !answering) return;
    output.write(CLEAR_LINE + (typing ? style("dim", `${name} is typing …`) : ""));
  });

  let proven = false;
  try {
    prompt();
    for await (const line of lines) {
      if (line.trim() !== "") {
        answering = true;
        try {
          const { questionId, answer } = await ask(chat, line, options);
          if (!proven) print(dimOn(onTerminal, proofLine(await gatherEvidence(chat, questionId, answer))));
          proven = true;
        } catch (error) {
          // The notice has been printed as any other message.
          if (!(error instanceof NoticeInstead)) {
            if (signal.aborted) break;
            if (!(error instanceof QuickstartError)) throw error;
            print(error.message);
          }
        } finally {
          answering = false;
        }
      }
      prompt();
    }
  } finally {
    stopMessages();
    stopTyping();
    lines.close();
    if (onTerminal) output.write("\n");
  }
  if (signal.reason instanceof QuickstartError) throw signal.reason;
}

function dimOn(onTerminal: boolean, text: string): string {
  return onTerminal ? style("dim", text) : text;
}
