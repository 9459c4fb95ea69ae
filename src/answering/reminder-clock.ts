import type { Database } from "../database/database.ts";
import { isAway, isHomeserverError, type HomeserverError } from "../homeserver/errors.ts";
import { reached } from "../observability/steps.ts";
import type { Logger } from "../observability/log.ts";
import type { History } from "../memory/history.ts";
import type { Permissions } from "../permissions/permissions.ts";
import { occasionName, shownTask, type Reminder } from "../reminders/reminder.ts";
import type { Reminders } from "../reminders/reminders.ts";
import type { Rooms } from "../rooms/rooms.ts";
import { nextAfter } from "../time/recurrence.ts";
import { usersOf, type Allowances } from "../turns/allowances.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import type { NewTurn } from "../turns/turn.ts";
import { targetOf } from "./answer-messages.ts";
import type { FailureNotices } from "./failure-notices.ts";
import type { RoomLanguage } from "./room-language.ts";

/** The reminders that are looked at at once. */
const PAGE = 20;

/** The longest wait for the next one, in ms: another process may set one. */
const LONGEST_WAIT_MS = 5_000;

/** The parts that reminders need. */
export interface ReminderClockOptions {
  readonly database: Database;
  readonly reminders: Reminders;
  readonly history: Pick<History, "remember">;
  readonly turns: Pick<TurnStore, "enqueue" | "decline">;
  readonly allowances: Pick<Allowances, "take">;
  readonly permissions: Pick<Permissions, "allows">;
  readonly rooms: Pick<Rooms, "isJoined" | "speaker">;
  /** Reads a changed room's state again, as an agent in it. */
  readonly refresh: (roomId: string) => Promise<void>;
  readonly language: Pick<RoomLanguage, "words">;
  readonly notices: FailureNotices;
  /** Whether any agent has reminders; read anew each time. */
  readonly isOn: () => boolean;
  /** Whether the admin still lets its agent remind its owner there. */
  readonly isStillOn: (reminder: Reminder) => boolean;
  /** Called after turns were queued and committed: perhaps of ghosts that are in no process's memory. */
  readonly queued: () => void;
  readonly log: Logger;
}

/**
 * Asks the questions of reminders when they are due. Every process looks; the row's own time says who was first. One that was
 * due several times while no bridge ran is asked once.
 */
export class ReminderClock {
  readonly #options: ReminderClockOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: ReminderClockOptions) {
    this.#options = options;
  }

  /** Begins to look. Returns at once. */
  start(): void {
    if (this.#isStopped) return;
    this.#looking = this.look()
      .catch((error: unknown): number => {
        this.#options.log.warn({ error }, "the reminders could not be read; trying again");
        return LONGEST_WAIT_MS;
      })
      .then((waitMs) => {
        if (!this.#isStopped) this.#timer = setTimeout(() => this.start(), waitMs).unref();
      });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  /** Asks what is due now. Resolves with the time to the next look, in ms. */
  async look(): Promise<number> {
    const { reminders, isOn, queued } = this.#options;
    if (!isOn()) return LONGEST_WAIT_MS;
    const waiting: number[] = [];
    for (;;) {
      const { due, nextMs = LONGEST_WAIT_MS } = await reminders.due(PAGE, waiting);
      for (const reminder of due) {
        if (this.#isStopped) return LONGEST_WAIT_MS;
        const failed = await this.#unread(reminder);
        // Every other room could be read no more than this one.
        if (isAway(failed)) return LONGEST_WAIT_MS;
        if (failed !== undefined) waiting.push(reminder.id);
      }
      if (due.length > 0) queued();
      if (due.length < PAGE) return Math.min(LONGEST_WAIT_MS, Math.max(1, nextMs));
    }
  }

  /** Asks a reminder's question. Resolves with the error where its room can't be read: then it waits. */
  async #unread(reminder: Reminder): Promise<HomeserverError | undefined> {
    try {
      await this.#ask(reminder);
      return undefined;
    } catch (error) {
      if (!isHomeserverError(error)) throw error;
      const { id, ghost, roomId: room } = reminder;
      this.#options.log.warn({ ghost, room, reminder: id, error }, "a reminder waits: its room can't be read");
      return error;
    }
  }

  /** Asks a reminder's question, or says why it is not asked, in the transaction that takes the occasion. */
  async #ask(reminder: Reminder): Promise<void> {
    const { database, reminders, permissions, rooms, refresh, language, isStillOn, log } = this.#options;
    const { id, ghost, roomId, owner, nextAt: due = 0, recurrence, zone } = reminder;
    const ids = { ghost, room: roomId, reminder: id };
    const words = await language.words(ghost, roomId);
    await refresh(roomId);
    const isThere = await rooms.isJoined(roomId, owner);
    const isPermitted = permissions.allows({ act: "message", userId: owner, ghost, roomId });
    const at = recurrence.kind === "once" ? undefined : nextAfter(recurrence, zone, Date.now());
    const next = { at, isOwnerless: !isThere };
    const speaker = await rooms.speaker(roomId, owner);
    reached("reminder.due");
    await database.transaction(async (tx) => {
      if (!(await reminders.take(tx, reminder, next))) return;
      if (!isStillOn(reminder)) {
        log.info(ids, "a reminder is left out: the admin has taken reminders away here");
        return;
      }
      if (isThere && !isPermitted) {
        await reminders.cancel(tx, reminder, id);
        log.info(ids, "a reminder of somebody who may not use the agent any more was ended");
        return;
      }
      const turn = await this.#remembered(tx, reminder, speaker, due);
      const target = targetOf(turn);
      const { allowances, turns, notices } = this.#options;
      if (!isThere) {
        const notice = words.commands.reminders.askForOwner(id, shownTask(reminder.words));
        await turns.decline(tx, turn, notices.declined(turn, "ownerless", notice, target));
        return;
      }
      const tooMany = await allowances.take(tx, usersOf(turn));
      if (tooMany === undefined) await turns.enqueue(tx, turn);
      else await turns.decline(tx, turn, notices.declined(turn, "limit", words.commands.reminders.limited(id), target));
    });
    reached("reminder.asked");
    log.info(ids, "a reminder was due");
  }

  /** The question of an occasion, as the agent remembers it. */
  async #remembered(
    tx: Parameters<History["remember"]>[0],
    reminder: Reminder,
    speaker: string,
    due: number,
  ): Promise<NewTurn> {
    const { id, ghost, roomId, owner, threadRoot, encrypted, words, isAuthentic } = reminder;
    const eventId = occasionName({ id, due });
    const position = await this.#options.history.remember(tx, ghost, roomId, {
      eventId,
      author: "person",
      sender: owner,
      speaker,
      body: `⏰ ${words}`,
      sentAt: Date.now(),
      threadRoot,
      encrypted,
    });
    const asked = { ghost, roomId, eventId, asker: owner, position, threadRoot, origin: eventId, hops: 0, encrypted };
    return isAuthentic === true ? asked : { ...asked, isAuthentic: false };
  }
}
