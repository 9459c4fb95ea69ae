import { threadOfQuestion } from "../addressing/question-thread.ts";
import { promptForm, readPromptWish, type PromptWish } from "../answering/prompt-wish.ts";
import { nearName } from "../config/near-name.ts";
import type { Words } from "../language/words.ts";
import { TAKEN } from "../matrix/relation.ts";
import { reached } from "../observability/steps.ts";
import { ProviderError } from "../providers/provider.ts";
import { escapeMarkdown } from "../text/markdown.ts";
import type { DecidedPrompts } from "../tools/tool-access.ts";
import { LONGEST_TEXT } from "./arguments.ts";
import type { Asked, Command, CommandOutcome, CommandServices, Reading } from "./command.ts";
import { TEXT } from "./menu-schema.ts";
import { notNowInWords } from "./not-now.ts";
import { toolUserOf } from "./tool-user.ts";

/** A prompt to be put to the model; or the prompts of one server, or of all, to be listed. */
type Wish = PromptWish | { readonly list: string | undefined };

/** The most prompts in a list. */
const MOST_LISTED = 40;

/** Puts a prompt of a tool server to the model, as the question of whoever has chosen it. */
export const prompt: Command<Wish> = {
  name: "prompt",
  group: "everyday",
  example: "docs summary topic=keys",
  parameters: [{ key: "prompt", schema: TEXT, optional: true }],
  meaning: (words) => words.commands.prompt.meaning,
  takes: (words) => words.commands.prompt.takes,
  read: readWish,
  carryOut: (services, asked, wish) => ("list" in wish ? list(services, asked, wish.list) : put(services, asked, wish)),
};

function readWish(rest: string): Reading<Wish> {
  const written = rest.trim();
  if (written.length > LONGEST_TEXT) return { kind: "too_long", length: written.length };
  if (/^\S{0,64}$/.test(written)) return { kind: "right", argument: { list: written === "" ? undefined : written } };
  const wish = readPromptWish(written);
  return wish === undefined ? { kind: "wrong" } : { kind: "right", argument: wish };
}

/**
 * Queues the choice as a question. The prompt itself is read when that is asked, so a slow server holds up no other message, and a
 * crash loses nothing.
 */
async function put(
  services: CommandServices,
  { ghost, message, agent, agentName, threadRoot: saidIn, words }: Asked,
  wish: PromptWish,
): Promise<CommandOutcome> {
  const { admission, exchanges, history, turns, turnQueued } = services;
  if (agent === undefined) return { words: words.noProvider };
  const { roomId, eventId, sender, sentAt, encrypted, direct } = message;
  const asking = { asker: sender, roomId, ghost: ghost.userId };
  const notNow = await admission.check(asking);
  if (notNow !== undefined) return { words: notNowInWords(words, agentName, notNow) };
  const threadRoot = threadOfQuestion(message, saidIn, services.defaults());
  const speaker = message.speaker ?? (await ghost.speakerOf(roomId, sender));
  return {
    reaction: TAKEN,
    store: async (tx) => {
      await admission.take(tx, asking);
      const body = `!prompt ${wish.server} ${wish.name} ${wish.words}`.trim();
      const said = { eventId, author: "person", sender, speaker, body, sentAt, encrypted, threadRoot } as const;
      const position = await history.remember(tx, ghost.userId, roomId, said);
      const turn = { ...asking, eventId, position, threadRoot, encrypted, origin: eventId, hops: 0 };
      if (!direct) await exchanges.begin(tx, turn, sender);
      await turns.enqueue(tx, turn);
    },
    after: () => {
      reached("turn.queued");
      turnQueued();
    },
  };
}

async function list(services: CommandServices, asked: Asked, server: string | undefined): Promise<CommandOutcome> {
  const { words } = asked;
  const phrases = words.commands.prompt;
  const user = await toolUserOf(services, asked);
  if (user === undefined) return { words: words.noProvider };
  const found = await services.patience.wait("prompts", () => services.toolAccess.prompts(user)).catch(nobodyInTime);
  if (found === undefined) return { words: words.commands.tools.away };
  const usable = found.filter(({ decision }) => decision.may !== "refuse");
  if (server === undefined) return { words: listed(words, usable) };
  const only = usable.filter((one) => one.server === server);
  const names = usable.map((one) => one.server);
  return { words: only.length === 0 ? phrases.noServer(server, nearName(server, names)) : listed(words, only) };
}

/** Servers that take too long have none for now; the next command may find them awake. */
function nobodyInTime(error: unknown): undefined {
  if (!(error instanceof ProviderError)) throw error;
}

function listed({ commands }: Words, usable: readonly DecidedPrompts[]): string {
  const phrases = commands.prompt;
  const lines = usable.flatMap(({ server, prompts }) =>
    prompts.map((one) => {
      const about = one.description === "" ? "" : `: “${escapeMarkdown(one.description)}”`;
      return `- \`${promptForm(server, one)}\`${about}`;
    }),
  );
  const hidden = lines.length - MOST_LISTED;
  return lines.length === 0
    ? phrases.none
    : [phrases.list, "", ...lines.slice(0, MOST_LISTED), ...(hidden > 0 ? ["", phrases.more(hidden)] : [])].join("\n");
}
