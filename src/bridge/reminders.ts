import type { AnsweringOptions } from "../answering/parts.ts";
import { ReminderClock } from "../answering/reminder-clock.ts";
import { refreshRoom } from "../ghost/refreshed-room.ts";
import type { Reminder } from "../reminders/reminder.ts";
import { mayRemind } from "../tools/own/remind.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/** The clock of the reminders. @param queued see {@link ReminderClock}. */
export function makeReminderClock(
  { database, client, directory, settings, log }: Foundation,
  { reminders, history, turns, allowances, permissions, memberships, rooms, language }: Stores,
  { failureNotices: notices }: Pick<AnsweringOptions, "failureNotices">,
  queued: () => void,
): ReminderClock {
  const isOn = (): boolean =>
    [...settings().tools.values()].some(({ type, tools }) => type === "own" && tools.has("remind"));
  const isStillOn = ({ ghost, roomId, owner: userId }: Reminder): boolean => {
    const agent = directory.agentOf(ghost)?.name;
    // Of an agent that is gone, the answer says so.
    return agent === undefined || mayRemind(settings().tools.values(), { agent, roomId, userId });
  };
  return new ReminderClock({
    database,
    reminders,
    history,
    turns,
    allowances,
    permissions,
    rooms,
    refresh: (roomId) => refreshRoom(memberships, rooms, client, roomId),
    language,
    notices,
    isOn,
    isStillOn,
    queued,
    log,
  });
}
