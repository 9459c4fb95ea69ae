import type { FileOutcome } from "../memory/read-files.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";
import type { PromptMessage } from "./prompt.ts";
import { UnreadableFile } from "./unreadable-file.ts";

/** Replaces a file that is not in a prompt. */
export const UNREADABLE = "a file that can't be read any more";
export const UNREADABLE_NOW = "a file that you can't read, see or hear";
export const NOT_READ = "a file that was not read this time";

/** A message with the name of its file, and a replacement for the file. */
export function named(message: RememberedMessage, what: string): PromptMessage {
  return joined(message, `(${what}: “${message.attachment?.name ?? ""}”)`);
}

/** A message with the earlier reading of its file. Throws {@link UnreadableFile}. */
export function shown(message: RememberedMessage, outcome: FileOutcome): PromptMessage {
  if (outcome.kind === "unreadable") throw new UnreadableFile(outcome.why, { isPassing: outcome.isPassing });
  return joined(message, outcome.text);
}

/** A message with more words after its own. */
export function joined(message: RememberedMessage, more: string): PromptMessage {
  return { ...message, body: message.body === "" ? more : `${message.body}\n\n${more}` };
}
