import { createHash } from "node:crypto";
import { wordsIn } from "../language/language.ts";
import { LANGUAGES } from "../language/languages.ts";
import type { CommandWord, ParameterWord, Words } from "../language/words.ts";
import { mentionsOf } from "../addressing/addressing.ts";
import { commandsFor, EXAMPLES, MODES } from "./commands.ts";
import type { WrittenCommand } from "../addressing/written-command.ts";

/** The type of the state events that describe commands to clients with menus (MSC4391), one for each command. */
export const COMMAND_DESCRIPTION = "org.matrix.msc4391.command_description";

/** The field of a message that a client has put together from such a menu. */
const COMMAND = "org.matrix.msc4391.command";

/** What the one parameter was called under which former versions described all that can follow a command. */
const FORMER_PARAMETER = "text";

/** A state event, without its type. */
export interface CommandDescription {
  readonly stateKey: string;
  readonly content: object;
}

/** What can follow a command. */
interface Parameter {
  readonly key: ParameterWord;
  /** MSC4391 "Type schema". */
  readonly schema: object;
  readonly optional: boolean;
}

const TEXT = { schema_type: "primitive", type: "string" };

/** In the order in which they are written. The number of turns is written first, and shown last: it need not be said. */
const PARAMETERS: Readonly<Partial<Record<CommandWord, readonly Parameter[]>>> = {
  discuss: [
    { key: "turns", schema: { schema_type: "primitive", type: "integer" }, optional: true },
    {
      key: "agents",
      schema: { schema_type: "array", items: { schema_type: "primitive", type: "user_id" } },
      optional: false,
    },
    { key: "topic", schema: TEXT, optional: false },
  ],
  privacy: [{ key: "decision", schema: oneOf(["allow", "deny", "default"]), optional: true }],
  remember: [{ key: "note", schema: TEXT, optional: true }],
  model: [{ key: "name", schema: TEXT, optional: true }],
  system: [{ key: "instruction", schema: TEXT, optional: true }],
  // Canonical JSON knows no fractions.
  temperature: [{ key: "number", schema: TEXT, optional: true }],
  respond: [{ key: "when", schema: oneOf([...MODES.respond, "default"]), optional: true }],
  listen: [{ key: "what", schema: oneOf([...MODES.listen, "default"]), optional: true }],
  threads: [{ key: "whether", schema: oneOf([...MODES.threads, "default"]), optional: true }],
  delegate: [{ key: "whether", schema: oneOf([...MODES.delegate, "default"]), optional: true }],
  summaries: [{ key: "whether", schema: oneOf([...MODES.summaries, "default"]), optional: true }],
  stream: [{ key: "how", schema: oneOf([...MODES.stream, "default"]), optional: true }],
  language: [{ key: "which", schema: oneOf([...MODES.language, "default"]), optional: true }],
};

function oneOf(values: readonly string[]): object {
  return {
    schema_type: "union",
    variants: values.map((value) => ({ schema_type: "literal", literal_type: "string", value })),
  };
}

/**
 * The commands of an agent that make sense in a room, as clients with menus want them described.
 *
 * @param isOff tells which ones the admin has switched off.
 */
export function commandDescriptions(
  userId: string,
  direct: boolean,
  isOff?: (command: CommandWord) => boolean,
): CommandDescription[] {
  return commandsFor(direct, isOff).map((command) => ({
    // So that nobody else can describe an agent's commands.
    stateKey: createHash("sha256").update(`${command}${userId}`).digest("base64"),
    content: {
      command,
      description: inAllLanguages(({ commands }) => commands[command].meaning),
      parameters: [...(PARAMETERS[command] ?? [])]
        .sort((a, b) => Number(a.optional) - Number(b.optional))
        .map(({ key, schema, optional }) => ({
          key,
          schema,
          optional,
          description: inAllLanguages(({ parameters }) => parameters[key]),
        })),
    },
  }));
}

/** The command of a message that came from a menu, if it is for this agent. */
export function chosenCommand(content: Readonly<Record<string, unknown>>, userId: string): WrittenCommand | undefined {
  const chosen = content[COMMAND];
  if (typeof chosen !== "object" || chosen === null || !mentionsOf(content).includes(userId)) return undefined;
  const { command, arguments: given } = chosen as { command?: unknown; arguments?: unknown };
  if (typeof command !== "string") return undefined;
  const name = command.toLowerCase();
  const values = typeof given === "object" && given !== null ? (given as Record<string, unknown>) : {};
  const keys = Object.hasOwn(EXAMPLES, name) ? (PARAMETERS[name as CommandWord] ?? []).map(({ key }) => key) : [];
  const written = [...keys, FORMER_PARAMETER].map((key) => writtenValue(values[key])).filter((value) => value !== "");
  return { name, rest: written.join(" ") };
}

function writtenValue(value: unknown): string {
  if (Array.isArray(value))
    return value
      .map((one: unknown) => (typeof one === "string" ? one : ""))
      .join(" ")
      .trim();
  return typeof value === "string" ? value.trim() : Number.isSafeInteger(value) ? String(value) : "";
}

function inAllLanguages(text: (words: Words) => string): object {
  return { "m.text": LANGUAGES.map((lang) => ({ body: text(wordsIn(lang)), lang })) };
}
