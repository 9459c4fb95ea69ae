import type { Obstacle } from "../crypto/device-lists.ts";
import { partnerIn } from "./direct-chat.ts";
import { isRetryable } from "../observability/retryable.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { Sender } from "./sender.ts";

/** While somebody may be setting up their device, it is looked for so often, for so long, in ms; after that, with the rest. */
const LOOKS_MS = 5_000;
const LOOKS_FOR_MS = 600_000;

/** A room that a ghost has come into. */
interface Entered {
  readonly roomId: string;
  /** Undefined when it is not known. */
  readonly inviter: string | undefined;
}

/**
 * The first words of a ghost in a room. Somebody who has no device that the ghost may trust could never read them: a key that was
 * kept back is never sent later. So they read a notice why that is, and the greeting follows when their device is signed.
 */
export class Greeting {
  readonly #ghost: GhostHandle;
  readonly #services: Pick<
    GhostServices,
    "store" | "rooms" | "client" | "log" | "handler" | "notices" | "trustNotices" | "trustIn"
  >;
  readonly #sender: Sender;

  constructor(
    ghost: GhostHandle,
    services: Pick<
      GhostServices,
      "store" | "rooms" | "client" | "log" | "handler" | "notices" | "trustNotices" | "trustIn"
    >,
    sender: Sender,
  ) {
    this.#ghost = ghost;
    this.#services = services;
    this.#sender = sender;
  }

  /** The ghost has come into a room. Returns whether its greeting has to wait. Throws what may pass. */
  async entered(room: Entered, loaded: LoadedGhost): Promise<"greeted" | "waits"> {
    try {
      return await this.#greet(room, loaded);
    } catch (error) {
      if (isRetryable(error)) throw error;
      this.#ghost.log.warn({ room: room.roomId, error }, "the agent can't speak here yet");
      return "greeted";
    }
  }

  /**
   * Greets those who can read it by now. Returns how many wait still, and in how many ms it is worth another look: undefined
   * when that is with whatever else rings. Throws what may pass.
   */
  async late(loaded: LoadedGhost): Promise<{ readonly waiting: number; readonly againMs: number | undefined }> {
    let waiting = 0;
    let againMs: number | undefined;
    for (const room of await this.#services.store.ungreeted(loaded.lease.ghost)) {
      if ((await this.entered(room, loaded)) === "greeted") continue;
      waiting++;
      if (room.waitsForMs < LOOKS_FOR_MS) againMs = LOOKS_MS;
    }
    return { waiting, againMs };
  }

  async #greet(room: Entered, loaded: LoadedGhost): Promise<"greeted" | "waits"> {
    const { store, handler, notices, trustNotices } = this.#services;
    const { roomId, inviter } = room;
    const direct = (await partnerIn(this.#services, this.#ghost.userId, roomId)) !== undefined;
    const obstacle = inviter === undefined ? undefined : await this.#obstacle(roomId, inviter, loaded);
    if (inviter === undefined || obstacle === undefined) {
      await handler.joined(this.#ghost, { roomId, direct });
      await store.setUngreeted(loaded.lease, roomId, undefined);
      // Another device of theirs that is not trusted is another matter.
      if (inviter !== undefined) await trustNotices.forget(inviter, roomId);
      return "greeted";
    }
    await store.setUngreeted(loaded.lease, roomId, inviter);
    const content = await notices.unheard(this.#ghost, { roomId, direct, why: obstacle.why });
    // Somebody who has no device at all reads nothing.
    if (content !== undefined && obstacle.devices > 0) {
      // For the same reason, so that a message that was sent meanwhile gets no second notice.
      const notice = { roomId, userId: inviter, why: obstacle.why, content };
      await trustNotices.tell(this.#ghost, loaded.lease, notice);
    }
    return "waits";
  }

  /** What keeps somebody from reading what is said in a room; undefined when nothing does. */
  async #obstacle(roomId: string, inviter: string, { device }: LoadedGhost): Promise<Obstacle | undefined> {
    const view = await this.#sender.view(roomId);
    if (view.encryption === undefined) return undefined;
    // Somebody who has left meanwhile reads nothing here any more.
    if (!(await this.#services.rooms.recipients(roomId, view)).includes(inviter)) return undefined;
    return device.lists.obstacleTo(inviter, this.#services.trustIn(this.#ghost.userId, roomId).send);
  }
}
