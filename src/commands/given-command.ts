import type { MessageClass } from "../addressing/addressing.ts";
import { writtenCommand, type WrittenCommand } from "../addressing/written-command.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { GhostMessage } from "../ghost/received.ts";
import { commandNamed } from "./all.ts";
import { codeWord } from "./code-word.ts";
import { chosenCommand } from "./command-menu.ts";
import { readCommand } from "./read-command.ts";

/** The command that a message gives an agent; undefined when there is none. */
export function commandOf(ghost: GhostHandle, message: GhostMessage, said: MessageClass): WrittenCommand | undefined {
  if (said.kind === "overheard") return bareCommand(said.text);
  if (said.kind !== "addressed" || message.content.kind === "file") return undefined;
  return chosenCommand(message.content, ghost.userId) ?? writtenCommand(said.text) ?? codeWord(said.text);
}

/** A few well-formed commands may address nobody in particular. */
function bareCommand(text: string): WrittenCommand | undefined {
  const written = writtenCommand(text) ?? codeWord(text);
  if (written === undefined || commandNamed(written.name)?.isBare !== true) return undefined;
  return readCommand(written).kind === "right" ? written : undefined;
}
