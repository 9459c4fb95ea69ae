import { DEMO_MODEL } from "../providers/demo.ts";
import { ProviderError } from "../providers/provider.ts";
import { withoutPath } from "../agents/model-name.ts";
import type { Queryable } from "../database/database.ts";
import type { Words } from "../language/words.ts";
import { escapeMarkdown } from "../text/markdown.ts";
import type { DecidedTool } from "../tools/tool-access.ts";
import { unquoted } from "./arguments.ts";
import type { Asked, Command, CommandOutcome, CommandServices, Reading } from "./command.ts";
import { literals, TEXT } from "./menu-schema.ts";
import { toolUserOf } from "./tool-user.ts";
import {
  isSignInWish,
  readSignIn,
  SIGN_IN_DOINGS,
  signInOrOut,
  signInStates,
  type SignInWish,
} from "./tool-sign-in.ts";

/** A moderator's decision about a tool, or its end. */
const DOINGS = ["allow", "forbid", "forget"] as const;
type Doing = (typeof DOINGS)[number];

/** A wish about tools: all of them are listed, one is explained or decided about, or somebody signs in or out. */
type ToolsWish =
  | {
      readonly doing?: Doing;
      /** Its name, perhaps with its server's before it. */
      readonly tool?: string;
    }
  | SignInWish;

/** The longest name with its server's, in characters. */
const LONGEST_NAME = 160;

/** The part of a server's description that is shown, in characters. */
const LONGEST_DESCRIPTION = 400;

/** The most tools in a list. */
const MOST_LISTED = 60;

/** Shows the tools that an agent may use in a room, and decides about single ones. */
export const tools: Command<ToolsWish> = {
  name: "tools",
  group: "everyday",
  example: "",
  parameters: [
    { key: "doing", schema: literals([...DOINGS, ...SIGN_IN_DOINGS]), optional: true },
    { key: "tool", schema: TEXT, optional: true },
  ],
  meaning: (words) => words.commands.tools.meaning,
  takes: (words) => words.commands.tools.takes,
  read: readWish,
  isForModerators: (wish) => !isSignInWish(wish) && wish.doing !== undefined,
  carryOut: async (services, asked, wish) => {
    const { words } = asked;
    const { tools: phrases } = words.commands;
    if (services.tools.isEmpty) return { words: phrases.none };
    if (isSignInWish(wish)) return signInOrOut(services, asked, wish);
    const { doing, tool: name } = wish;
    if (doing === "forget" && name !== undefined) return forget(services, asked, name);
    const decided = await decidedFor(services, asked);
    if (typeof decided === "string") return { words: decided };
    if (name === undefined) {
      const signedIn = await signInStates(services, asked, decided);
      return { words: [list(words, decided), ...signedIn].filter((part) => part !== "").join("\n\n") };
    }
    const found = decided.filter((tool) => isCalled(tool.server, tool.known.name, name));
    const [one, ...others] = found;
    if (one === undefined) return { words: phrases.unknown(name) };
    if (others.length > 0) return { words: phrases.ambiguous(found.map(nameOf)) };
    return doing === "allow" || doing === "forbid"
      ? decideAbout(services, asked, one, doing)
      : { words: explained(words, one) };
  },
};

/** All tools with the decisions about them for the author of a command; or the reason why there are none, in words. */
async function decidedFor(services: CommandServices, asked: Asked): Promise<readonly DecidedTool[] | string> {
  const { agent, message, words } = asked;
  const { tools: phrases } = words.commands;
  const provider = agent && services.provider(agent.provider);
  if (agent === undefined || provider === undefined) return words.noProvider;
  const { model = agent.model ?? DEMO_MODEL } = message.settings;
  const waiting = <T>(server: string, ask: () => Promise<T>): Promise<T | undefined> =>
    services.patience.wait(server, ask).catch((error: unknown) => {
      if (error instanceof ProviderError) return undefined;
      throw error;
    });
  const facts = await waiting(provider.name, () => services.models.facts(provider, model));
  if (facts?.tools === false) return phrases.modelHasNone(withoutPath(model));
  const user = await toolUserOf(services, asked);
  const decided = user && (await waiting("tools", () => services.toolAccess.of(user)));
  return decided ?? phrases.away;
}

function readWish(rest: string): Reading<ToolsWish> {
  const signIn = readSignIn(rest);
  if (signIn !== undefined) return signIn;
  const written = unquoted(rest.trim());
  if (written === "") return { kind: "right", argument: {} };
  if (written.length > LONGEST_NAME) return { kind: "wrong" };
  const [first = "", second, ...more] = written.split(/\s+/).map(unquoted);
  const doing = DOINGS.find((one) => one === first.toLowerCase());
  const tool = doing === undefined ? first : second;
  if (tool === undefined || more.length > 0 || (doing === undefined && second !== undefined)) return { kind: "wrong" };
  // Other names are no tool's, and are not repeated.
  if (!/^[A-Za-z0-9_./-]+$/.test(tool)) return { kind: "wrong" };
  return { kind: "right", argument: { ...(doing === undefined ? {} : { doing }), tool } };
}

/** A tool's name with its server's, as people write it. */
function nameOf({ server, known }: Pick<DecidedTool, "server" | "known">): string {
  return `${server}/${known.name}`;
}

function isCalled(server: string, tool: string, name: string): boolean {
  return name === tool || name === `${server}/${tool}`;
}

function list(words: Words, all: readonly DecidedTool[]): string {
  const { tools: phrases } = words.commands;
  const decided = all.filter(({ isSignIn }) => isSignIn !== true);
  const usable = decided.filter(({ decision, grant }) => decision.may !== "refuse" || grant !== undefined);
  const shown = usable.slice(0, MOST_LISTED);
  const hidden = decided.length - shown.length;
  return [
    ...(shown.length === 0
      ? []
      : [phrases.list, "", ...shown.map((tool) => `- \`${nameOf(tool)}\`: ${may(words, tool)}`)]),
    ...(hidden === 0 ? [] : ["", phrases.hidden(hidden)]),
    ...(all.length === 0 ? [phrases.none] : []),
  ].join("\n");
}

function may({ commands }: Words, { decision, grant }: DecidedTool): string {
  const { may: ways, allowedHere, allowedBefore } = commands.tools;
  const way =
    decision.may === "call" ? ways.call : decision.may === "ask" ? ways[decision.deciders] : ways[decision.why];
  if (grant?.decision !== "allowed") return way;
  return `${way} (${decision.may === "call" ? allowedHere : allowedBefore})`;
}

function explained(words: Words, tool: DecidedTool): string {
  const { aboutOne, noDescription } = words.commands.tools;
  const description = tool.known.description.slice(0, LONGEST_DESCRIPTION).replace(/\s+/g, " ").trim();
  const described = description === "" ? noDescription : `“${escapeMarkdown(description.toWellFormed())}”`;
  return aboutOne(nameOf(tool), may(words, tool), described);
}

async function decideAbout(
  { grants, isEncrypted }: CommandServices,
  { ghost, message, words, call }: Asked,
  tool: DecidedTool,
  doing: "allow" | "forbid",
): Promise<CommandOutcome> {
  const { tools: phrases } = words.commands;
  const { roomId, sender: by, encrypted } = message;
  const { server, known, decision } = tool;
  const name = nameOf(tool);
  const id = { ghost: ghost.userId, roomId, server, tool: known.name, definition: known.hash };
  const decide =
    (what: "allowed" | "forbidden") =>
    (tx: Queryable): Promise<void> =>
      grants.decide(tx, id, { decision: what, encrypted, by });
  if (doing === "forbid") return { words: phrases.forbade(name, call), store: decide("forbidden") };
  // The homeserver could have forged what came unencrypted.
  if (!encrypted && (await isEncrypted(roomId))) return { words: words.saidInClear };
  const isForbidden = decision.may === "refuse" && decision.why === "forbidden";
  if (!isForbidden && !(decision.may === "ask" && decision.canGrant))
    return { words: phrases.cantAllow(name, may(words, tool)) };
  return { words: phrases.allowed(name, call), store: decide("allowed") };
}

/** Takes a decision back, even about a tool that is not there now. */
async function forget(
  { grants, isEncrypted }: CommandServices,
  { ghost, message, words }: Asked,
  name: string,
): Promise<CommandOutcome> {
  const { tools: phrases } = words.commands;
  const { roomId, sender: by, encrypted } = message;
  const found = (await grants.of(ghost.userId, roomId)).filter(({ server, tool }) => isCalled(server, tool, name));
  const [one, ...others] = found;
  if (one === undefined) return { words: phrases.undecided(name) };
  const names = found.map(({ server, tool }) => `${server}/${tool}`);
  if (others.length > 0) return { words: phrases.ambiguous(names) };
  // Forbidden ones would be possible again.
  if (!encrypted && one.decision === "forbidden" && (await isEncrypted(roomId))) return { words: words.saidInClear };
  const { server, tool } = one;
  return {
    words: phrases.forgot(`${server}/${tool}`),
    store: (tx) => grants.revoke(tx, { ghost: ghost.userId, roomId, server, tool }, by),
  };
}
