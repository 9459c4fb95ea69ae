import { parseOptions } from "../src/cli/command-line.ts";
import type { Options } from "../src/cli/command.ts";
import { UsageError as CommandUsageError } from "../src/cli/usage-error.ts";
import { UsageError } from "./errors.ts";

/** The models that are offered where there is no Ollama. */
export type Model = "demo" | "tiny";

/** The agent to talk to. `agent` is a localpart's part after `agent_`, or a whole user id. */
export interface Wanted {
  readonly agent?: string;
  readonly model?: Model;
}

/** The options of the command line. */
export type Command =
  | ({ readonly kind: "chat" } & Wanted)
  | ({ readonly kind: "say"; readonly text: string } & Wanted)
  | { readonly kind: "stop" }
  | { readonly kind: "reset" }
  | { readonly kind: "help" };

export const USAGE = `npm run quickstart -- [options]

Starts a Synapse of its own and the bridge, and opens an end-to-end encrypted chat with an agent.
Everything it makes is under .local/ of this checkout.

  --say "text"    say this, print the answer and a line of proof, and end
  --agent NAME    talk to this agent, e.g. demo (default: a model of the Ollama it finds; else it asks)
  --model tiny    talk to a tiny real model that needs no Ollama (130 MB, often wrong), without being asked
  --model demo    talk to the demo agent, which is no AI model, without being asked
  --stop          end the quickstart that runs in this checkout
  --reset         throw away what earlier runs left in .local/ (the installed Synapse stays)
  --help          show this`;

/** Reads the command line. Throws {@link UsageError}. */
export function parseCommand(args: readonly string[]): Command {
  const values = parse(args);
  const { agent, model, say } = values;
  const kinds = [say !== undefined && "--say", values.stop && "--stop", values.reset && "--reset"].filter(Boolean);
  if (values.help === true) return { kind: "help" };
  if (kinds.length > 1) throw new UsageError(`${kinds.join(" and ")} do not go together`);
  if (agent?.trim() === "") throw new UsageError("--agent needs the name of an agent, e.g. --agent demo");
  if (model !== undefined && !isModel(model)) {
    throw new UsageError(
      "--model takes tiny or demo; a model of an Ollama is meant by --agent, e.g. --agent llama3.2-3b",
    );
  }
  if (agent !== undefined && model !== undefined) throw new UsageError("--agent and --model do not go together");
  const chosen: Wanted = {
    ...(agent === undefined ? {} : { agent: agent.trim() }),
    ...(model === undefined ? {} : { model }),
  };
  if (values.stop === true) return { kind: "stop" };
  if (values.reset === true) return { kind: "reset" };
  if (say === undefined) return { kind: "chat", ...chosen };
  if (say.trim() === "") throw new UsageError('--say needs a text, e.g. --say "hello"');
  return { kind: "say", text: say, ...chosen };
}

function isModel(text: string): text is Model {
  return text === "demo" || text === "tiny";
}

const OPTIONS = {
  say: { type: "string", value: "TEXT", meaning: "say this, print the answer and a line of proof, and end" },
  agent: { type: "string", value: "NAME", meaning: "talk to this agent" },
  model: { type: "string", value: "MODEL", meaning: "talk to this model" },
  stop: { type: "boolean", meaning: "end the quickstart that runs in this checkout" },
  reset: { type: "boolean", meaning: "throw away what earlier runs left" },
  help: { type: "boolean", short: "h", meaning: "show the help" },
} as const satisfies Options;

type Given = {
  readonly [Name in keyof typeof OPTIONS]?: (typeof OPTIONS)[Name]["type"] extends "boolean" ? boolean : string;
};

function parse(args: readonly string[]): Given {
  try {
    const { values, args: others } = parseOptions("quickstart", args, OPTIONS);
    const [other] = others;
    if (other === undefined) return values;
    throw new UsageError(`quickstart takes no ${other}; what is to be said stands behind --say, in quotes`);
  } catch (error) {
    throw error instanceof CommandUsageError ? new UsageError(error.message, { cause: error }) : error;
  }
}
