import { moderates } from "../permissions/in-room.ts";
import type { Reminder } from "../reminders/reminder.ts";
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

function listed(all: readonly Reminder[], { words }: Asked): CommandOutcome {
  const { none, listed: line, ownerless } = words.commands.reminders;
  if (all.length === 0) return { words: none };
  const lines = all.map(({ id, words: task, owner, recurrence, zone, nextAt }) =>
    nextAt === undefined ? ownerless(id, task) : line(id, task, owner, recurrence, zone),
  );
  return { words: lines.map((one) => `- ${one}`).join("\n"), encrypted: all.some(({ encrypted }) => encrypted) };
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
function kept(services: CommandServices, { message, words }: Asked, reminder: Reminder): CommandOutcome {
  if (reminder.nextAt !== undefined) return { words: words.commands.reminders.noSuch(reminder.id) };
  return {
    words: words.commands.reminders.kept(reminder.id),
    store: async (tx) => {
      await services.reminders.adopt(tx, reminder, message.sender, Date.now());
    },
  };
}
