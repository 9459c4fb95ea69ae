import type { Logger } from "../observability/log.ts";
import type { Rooms } from "../rooms/rooms.ts";
import type { History } from "./history.ts";

/** What is too old to be kept is forgotten: as long ago as the admin says, or the room (MSC1763), whichever is shorter. */
export class Retention {
  readonly #rooms: Rooms;
  readonly #history: History;
  readonly #maxAgeMs: () => number | undefined;
  readonly #log: Logger;

  /** @param maxAgeMs what the admin says; undefined: as long as the room lets it. */
  constructor(rooms: Rooms, history: History, maxAgeMs: () => number | undefined, log: Logger) {
    this.#rooms = rooms;
    this.#history = history;
    this.#maxAgeMs = maxAgeMs;
    this.#log = log;
  }

  /** Goes through all rooms. Returns how many messages were forgotten. Throws DatabaseError. */
  async run(now = Date.now()): Promise<number> {
    let forgotten = 0;
    for (const { roomId, maxLifetimeMs } of await this.#rooms.lifetimes()) {
      const ageMs = keptFor(this.#maxAgeMs(), maxLifetimeMs);
      if (ageMs === undefined) continue;
      const count = await this.#history.expire(roomId, new Date(now - ageMs));
      if (count > 0) this.#log.info({ room: roomId, messages: count }, "forgot what was too old to be kept");
      forgotten += count;
    }
    return forgotten;
  }
}

/** How long something is kept, in ms; undefined: as long as nobody has it forgotten. */
export function keptFor(byAdmin: number | undefined, byRoom: number | undefined): number | undefined {
  return byAdmin === undefined ? byRoom : Math.min(byAdmin, byRoom ?? Infinity);
}
