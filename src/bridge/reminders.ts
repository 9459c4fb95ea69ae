import type { AnsweringOptions } from "../answering/parts.ts";
import { ReminderClock } from "../answering/reminder-clock.ts";
import { refreshRoom } from "../ghost/refreshed-room.ts";
import type { Foundation } from "./foundation.ts";
import type { Stores } from "./stores.ts";

/** The clock of the reminders. @param queued see {@link ReminderClock}. */
export function makeReminderClock(
  { database, client, settings, log }: Foundation,
  { reminders, history, turns, allowances, permissions, memberships, rooms, language }: Stores,
  { failureNotices: notices }: Pick<AnsweringOptions, "failureNotices">,
  queued: () => void,
): ReminderClock {
  const isOn = (): boolean =>
    [...settings().tools.values()].some(({ type, tools }) => type === "own" && tools.has("remind"));
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
    queued,
    log,
  });
}
