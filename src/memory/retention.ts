import type { Mailbox } from "../mailbox/mailbox.ts";
import type { Logger } from "../observability/log.ts";
import type { Rooms } from "../rooms/rooms.ts";
import type { Forgetting } from "./forgetting.ts";

/** The parts that retention needs. */
export interface RetentionOptions {
  readonly rooms: Rooms;
  readonly forgetting: Forgetting;
  readonly mailbox: Mailbox;
  /** The admin's limit, in ms; undefined: the room's own. */
  readonly maxAgeMs: () => number | undefined;
  /** Reads a room's state again, as an agent in it. */
  readonly read: (roomId: string) => Promise<void>;
  readonly log: Logger;
}

/** Forgets messages that are too old, by the admin's limit or the room's (MSC1763), whichever is shorter. */
export class Retention {
  readonly #options: RetentionOptions;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Goes through all rooms. Returns the number of forgotten messages. Throws DatabaseError. */
  async run(now = Date.now()): Promise<number> {
    const { rooms, forgetting, mailbox, maxAgeMs, log } = this.#options;
    await this.#readOutdated();
    let forgotten = 0;
    for (const { roomId, maxLifetimeMs, isCurrent } of await rooms.lifetimes()) {
      // An outdated reading of the room must not delete anything.
      const ageMs = keptFor(maxAgeMs(), isCurrent ? maxLifetimeMs : undefined);
      if (ageMs === undefined) continue;
      const before = new Date(now - ageMs);
      const messages = await forgetting.expired(roomId, before);
      const held = await mailbox.expire(roomId, before);
      if (messages + held > 0) log.info({ room: roomId, messages, held }, "expired messages were forgotten");
      forgotten += messages + held;
    }
    return forgotten;
  }

  async #readOutdated(): Promise<void> {
    const { rooms, read, log } = this.#options;
    for (const { roomId, isCurrent } of await rooms.lifetimes()) {
      if (isCurrent) continue;
      await read(roomId).catch((error: unknown) => {
        log.debug({ room: roomId, error }, "the room's state can't be read, so its retention is unknown");
      });
    }
  }
}

/** The time for which a message is kept, in ms; undefined: no limit. */
export function keptFor(byAdmin: number | undefined, byRoom: number | undefined): number | undefined {
  return byAdmin === undefined ? byRoom : Math.min(byAdmin, byRoom ?? Infinity);
}
