import { moderates } from "../permissions/in-room.ts";
import { shownTask, type Reminder } from "../reminders/reminder.ts";
import { escapeMarkdown } from "../text/markdown.ts";
import { plainWords } from "./arguments.ts";
import type { Asked, Command, CommandOutcome, CommandServices } from "./command.ts";

/** What is to be done with a reminder. */
interface Wish {
  readonly act: "cancel" | "keep";
  readonly id: number;
}

/** Lists an agent's reminders in a room, ends one, or takes one over whose owner has left. */
export const reminders: Command<Wish | undefined> = {
  name: "reminders",
  group: "everyday",
  example: "cancel 3",
  parameters: [
    {
      key: "reminder",
      schema: { schema_type: "primitive", type: "string" },
      optional: true,
    },
  ],
  meaning: (words) => words.commands.reminders.meaning,
  takes: () => "[cancel N | keep N]",
  read: (rest) => {
    const said = plainWords(rest);
    if (said === "") return { kind: "right", argument: undefined };
    const [, act, id] = /^(cancel|keep) #?(\d{1,9})$/.exec(said) ?? [];
    return id === undefined
      ? { kind: "wrong" }
      : { kind: "right", argument: { act: act === "keep" ? "keep" : "cancel", id: Number(id) } };
  },
  carryOut: async (services, asked, wish) => {
    const { ghost, message, words } = asked;
    const all = await services.reminders.of({ ghost: ghost.userId, roomId: message.roomId });
    if (wish === undefined) return listed(all, asked);
    const reminder = all.find(({ id }) => id === wish.id);
    if (reminder === undefined) return { words: words.commands.reminders.noSuch(wish.id) };
    return wish.act === "cancel" ? cancelled(services, asked, reminder) : kept(services, asked, reminder);
  },
};

/** The most reminders in a list, and the longest words of each, in characters: a list is one message. */
const MOST_LISTED = 30;
const LONGEST_LISTED = 80;

/** A person's own reminders stand before those of others. */
function listed(all: readonly Reminder[], { message, words }: Asked): CommandOutcome {
  const { none, listed: line, ownerless, more } = words.commands.reminders;
  if (all.length === 0) return { words: none };
  const others = all.filter(({ owner }) => owner !== message.sender);
  const shown = [...all.filter(({ owner }) => owner === message.sender), ...others].slice(0, MOST_LISTED);
  const lines = shown.map(({ id, words: said, owner, recurrence, zone, nextAt }) => {
    const task = shownTask(said, LONGEST_LISTED);
    return `- ${nextAt === undefined ? ownerless(id, task) : line(id, task, escapeMarkdown(owner), recurrence, zone)}`;
  });
  const rest = all.length - shown.length;
  return {
    words: [...lines, ...(rest === 0 ? [] : ["", more(rest)])].join("\n"),
    encrypted: shown.some(({ encrypted }) => encrypted),
  };
}

/** Its owner may end it, and the room's moderators. */
async function cancelled(services: CommandServices, asked: Asked, reminder: Reminder): Promise<CommandOutcome> {
  const { ghost, message, words } = asked;
  const isOwn = reminder.owner === message.sender;
  if (!isOwn && !(await moderates(services.permissions, ghost, message))) return { words: words.onlyModerators };
  return {
    words: words.commands.reminders.cancelled(reminder.id),
    store: async (tx) => {
      await services.reminders.cancel(tx, reminder, reminder.id);
    },
  };
}

/** Anybody in the room may take over what its owner has left. */
async function kept(services: CommandServices, { message, words }: Asked, reminder: Reminder): Promise<CommandOutcome> {
  if (reminder.nextAt !== undefined) return { words: words.commands.reminders.noSuch(reminder.id) };
  // From then on the agent acts in this person's name, and the homeserver could have forged what came unencrypted.
  if (!message.encrypted && (await services.isEncrypted(message.roomId))) return { words: words.saidInClear };
  return {
    words: words.commands.reminders.kept(reminder.id),
    store: async (tx) => {
      await services.reminders.adopt(tx, reminder, message.sender, Date.now());
    },
  };
}
