import { createHash } from "node:crypto";
import { LANGUAGES, wordsIn } from "../language/languages.ts";
import type { Words } from "../language/words.ts";
import type { ReceivedContent } from "../matrix/received-content.ts";
import type { WrittenCommand } from "../addressing/written-command.ts";
import { commandNamed, COMMANDS } from "./all.ts";
import { offeredIn } from "./offered.ts";

/** The type of the state events that describe commands to clients with menus (MSC4391), one for each command. */
export const COMMAND_DESCRIPTION = "org.matrix.msc4391.command_description";

/** The name under which former versions described everything after a command as one parameter. */
const FORMER_PARAMETER = "text";

/** A state event, without its type. */
export interface CommandDescription {
  readonly stateKey: string;
  readonly content: object;
}

/**
 * The commands of an agent that make sense in a room, in the form for clients with menus.
 *
 * @param isOff tells which commands do nothing; see {@link offeredIn}.
 */
export function commandDescriptions(
  userId: string,
  direct: boolean,
  isOff?: (command: string) => boolean,
): CommandDescription[] {
  return offeredIn(direct, COMMANDS, isOff).map(({ name, meaning, parameters = [] }) => ({
    // The user id in the hash keeps others from describing an agent's commands.
    stateKey: createHash("sha256").update(`${name}${userId}`).digest("base64"),
    content: {
      command: name,
      description: inAllLanguages(meaning),
      parameters: [...parameters]
        .sort((a, b) => Number(a.optional) - Number(b.optional))
        .map(({ key, schema, optional }) => ({
          key,
          schema,
          optional,
          description: inAllLanguages((words) => words.parameters[key]),
        })),
    },
  }));
}

/** The command of a message from a menu, if it is for this agent. */
export function chosenCommand(
  { command, mentions }: Pick<ReceivedContent, "command" | "mentions">,
  userId: string,
): WrittenCommand | undefined {
  if (command === undefined || !mentions.userIds.includes(userId)) return undefined;
  const name = command.name.toLowerCase();
  const keys = (commandNamed(name)?.parameters ?? []).map(({ key }) => key);
  const written = [...keys, FORMER_PARAMETER].map((key) => command.values.get(key) ?? "");
  return { name, rest: written.filter((value) => value !== "").join(" ") };
}

function inAllLanguages(text: (words: Words) => string): object {
  return { "m.text": LANGUAGES.map((lang) => ({ body: text(wordsIn(lang)), lang })) };
}
