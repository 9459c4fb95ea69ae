import { getAccountData, putAccountData } from "../homeserver/calls.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import type { GhostServices } from "./ghost-services.ts";

/** The rooms recorded as direct chats of a ghost. */
export class DirectRooms {
  readonly #userId: string;
  readonly #services: Pick<GhostServices, "client" | "memberships">;

  constructor(userId: string, services: Pick<GhostServices, "client" | "memberships">) {
    this.#userId = userId;
    this.#services = services;
  }

  /** Adds a direct chat to the ghost's `m.direct` account data, which outlives our database. */
  async add(person: string, roomId: string): Promise<void> {
    const actor = { userId: this.#userId };
    const direct = { ...(await getAccountData(this.#services.client, actor, "m.direct")) };
    const rooms = Array.isArray(direct[person]) ? (direct[person] as unknown[]) : [];
    if (rooms.includes(roomId)) return;
    await putAccountData(this.#services.client, actor, "m.direct", { ...direct, [person]: [...rooms, roomId] });
  }

  /** A room that replaces a direct chat is recorded as one too. */
  async goOnFrom(
    predecessor: string | undefined,
    { room_id, sender }: Pick<RoomEvent, "room_id" | "sender">,
  ): Promise<void> {
    if (predecessor === undefined) return;
    const { memberships } = this.#services;
    const before = await memberships.membership(this.#userId, predecessor);
    if (before?.calledDirect !== true) return;
    await memberships.setDirect(this.#userId, room_id);
    await this.add(sender, room_id);
  }
}
