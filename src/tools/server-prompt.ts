import { objectOf } from "../matrix/json.ts";
import { cleanText } from "../text/clean-text.ts";
import { cut } from "../text/cut.ts";
import { foldedName } from "./field-names.ts";
import { ToolFailure } from "./tool-failure.ts";
import { readResult } from "./tool-result.ts";

/** A prompt of a server, as it described it, within bounds (MCP 2026-07-28, "Prompts"). */
export interface KnownPrompt {
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly PromptArgument[];
}

export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  readonly isRequired: boolean;
}

/**
 * The name under which the admin's rules, limits and logs know that a server's prompt is used: it is like the call of a tool
 * that only reads.
 */
export const PROMPT_TOOL = {
  name: "get_prompt",
  hints: { isReadOnly: true, isIdempotent: true, isOpenWorld: false, isConfined: false },
} as const;

/** The most prompts of a server, and the most arguments of a prompt. */
export const MOST_PROMPTS = 100;
const MOST_ARGUMENTS = 12;

const LONGEST_DESCRIPTION = 300;

/** Names that people can write in a command. */
const NAME = /^[A-Za-z0-9_.:/-]{1,128}$/;
const ARGUMENT = /^(?!.*\p{Default_Ignorable_Code_Point})[\p{L}\p{N}_.-]{1,40}$/u;

/** Stands where the words of a prompt were cut. */
const CUT = "\n[… the rest was left out]";

/** The prompts of a server's list, in its order, without those that can't be named in a command. */
export function readPrompts(list: readonly unknown[]): readonly KnownPrompt[] {
  const prompts = new Map<string, KnownPrompt>();
  for (const told of list.slice(0, MOST_PROMPTS)) {
    const { name, title, description, arguments: given = [] } = objectOf(told);
    if (typeof name !== "string" || !NAME.test(name) || prompts.has(name)) continue;
    if (!Array.isArray(given) || given.length > MOST_ARGUMENTS) continue;
    const taken = given.map(readArgument).filter((one) => one !== undefined);
    const areDifferent = new Set(taken.map((one) => foldedName(one.name))).size === given.length;
    if (areDifferent) prompts.set(name, { name, description: about(description ?? title), arguments: taken });
  }
  return [...prompts.values()];
}

function readArgument(told: unknown): PromptArgument | undefined {
  const { name, title, description, required } = objectOf(told);
  if (typeof name !== "string" || !ARGUMENT.test(name)) return undefined;
  return { name, description: about(description ?? title), isRequired: required === true };
}

/** One line about something, in the server's words. */
function about(words: unknown): string {
  if (typeof words !== "string") return "";
  return cleanText(cut(words, LONGEST_DESCRIPTION)).replace(/\s+/g, " ").trim();
}

/**
 * The words of a prompt, cut and cleaned as a tool's result is. Its pictures and files are only named. Throws ToolFailure where
 * it is none.
 */
export function readPromptWords(told: unknown): string {
  const { messages } = objectOf(told);
  if (!Array.isArray(messages)) throw new ToolFailure("malformed", "the answer is no prompt");
  const parts = (messages as readonly unknown[]).slice(0, MOST_PARTS).map((message) => objectOf(message));
  const hasAnswers = parts.some(({ role }) => role === "assistant");
  const content = parts.flatMap(({ role, content: said }) => [
    ...(hasAnswers ? [{ type: "text", text: role === "assistant" ? "An assistant:" : "A person:" }] : []),
    said,
  ]);
  const { text, rest } = readResult({ content });
  return rest === undefined ? text : `${text}${CUT}`;
}

/** The most messages of a prompt. */
const MOST_PARTS = 32;

const BEGINNING = "[The person has chosen a prompt of a server: ";

/** The question that puts a prompt to a model, marked as the server's words. */
export function promptQuestion(server: string, name: string, words: string): string {
  return `${BEGINNING}${name} of ${server}. What follows are that server's words.]\n\n${words}`;
}

/** A summary of messages of which one {@link holdsPrompt}: it may hold the server's words, too. */
export function summaryWithPrompt(summary: string): string {
  return `${BEGINNING}the server's words are among what is summed up here.]\n\n${summary}`;
}

/** Whether a message or a summary may hold a server's words by {@link promptQuestion}. */
export function holdsPrompt(message: string): boolean {
  return message.includes(BEGINNING);
}
