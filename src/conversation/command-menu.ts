import { createHash } from "node:crypto";
import { LANGUAGES, wordsIn } from "../language/language.ts";
import type { CommandWord } from "../language/words.ts";
import { mentionsOf } from "./addressing.ts";
import { EXAMPLES, type WrittenCommand } from "./commands.ts";

/** The type of the state events that describe commands to clients with menus (MSC4391), one for each command. */
export const COMMAND_DESCRIPTION = "org.matrix.msc4391.command_description";

/** The field of a message that a client has put together from such a menu. */
const COMMAND = "org.matrix.msc4391.command";

/** All that can follow a command is one text. */
const ARGUMENT = "text";

/** A state event, without its type. */
export interface CommandDescription {
  readonly stateKey: string;
  readonly content: object;
}

/** The commands of an agent, as clients with menus want them described. */
export function commandDescriptions(userId: string): CommandDescription[] {
  return (Object.keys(EXAMPLES) as CommandWord[]).map((command) => {
    const described = (text: (language: (typeof LANGUAGES)[number]) => string): object => ({
      "m.text": LANGUAGES.map((lang) => ({ body: text(lang), lang })),
    });
    const takesText = wordsIn("en").commands[command].usage !== `!${command}`;
    const parameter = {
      key: ARGUMENT,
      schema: { schema_type: "primitive", type: "string" },
      optional: true,
      description: described((language) => wordsIn(language).commands[command].usage),
    };
    return {
      // So that nobody else can describe an agent's commands.
      stateKey: createHash("sha256").update(`${command}${userId}`).digest("base64"),
      content: {
        command,
        description: described((language) => wordsIn(language).commands[command].meaning),
        parameters: takesText ? [parameter] : [],
      },
    };
  });
}

/** The command of a message that came from a menu, if it is for this agent. */
export function chosenCommand(content: Readonly<Record<string, unknown>>, userId: string): WrittenCommand | undefined {
  const chosen = content[COMMAND];
  if (typeof chosen !== "object" || chosen === null || !mentionsOf(content).includes(userId)) return undefined;
  const { command, arguments: values } = chosen as { command?: unknown; arguments?: unknown };
  if (typeof command !== "string") return undefined;
  const text =
    typeof values === "object" && values !== null ? (values as Record<string, unknown>)[ARGUMENT] : undefined;
  return { name: command.toLowerCase(), rest: typeof text === "string" ? text.trim() : "" };
}
