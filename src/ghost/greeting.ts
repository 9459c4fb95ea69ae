import type { Obstacle } from "../crypto/device-lists.ts";
import { partnerIn } from "./direct-chat.ts";
import { isRetryable } from "../observability/retryable.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import { GREETING_LOOKS_FOR_MS } from "./ghost-store.ts";
import type { Sender } from "./sender.ts";

/**
 * The interval of looks for a person who may be setting up their device, in ms; after {@link GREETING_LOOKS_FOR_MS}, only
 * other reasons cause a look.
 */
const LOOKS_MS = 5_000;

/** A room that a ghost has entered. */
interface Entered {
  readonly roomId: string;
  /** Undefined when unknown. */
  readonly inviter: string | undefined;
}

/**
 * The first words of a ghost in a room. A person without a trusted device could never read them, because a withheld key
 * is never sent later. So they get a notice with the reason, and the greeting follows when their device is signed.
 */
export class Greeting {
  readonly #ghost: GhostHandle;
  readonly #services: Pick<
    GhostServices,
    "memberships" | "rooms" | "client" | "log" | "handler" | "notices" | "trustNotices" | "trustIn"
  >;
  readonly #sender: Sender;

  constructor(
    ghost: GhostHandle,
    services: Pick<
      GhostServices,
      "memberships" | "rooms" | "client" | "log" | "handler" | "notices" | "trustNotices" | "trustIn"
    >,
    sender: Sender,
  ) {
    this.#ghost = ghost;
    this.#services = services;
    this.#sender = sender;
  }

  /** The ghost has entered a room. Returns whether its greeting must wait. Throws temporary errors. */
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
   * Greets the people who can now read it. Returns the number of people who still wait, and the ms until the next
   * useful look: undefined when only other reasons should cause one. Throws temporary errors.
   */
  async late(loaded: LoadedGhost): Promise<{ readonly waiting: number; readonly againMs: number | undefined }> {
    let waiting = 0;
    let againMs: number | undefined;
    for (const room of await this.#services.memberships.ungreeted(loaded.lease.ghost)) {
      if ((await this.entered(room, loaded)) === "greeted") continue;
      waiting++;
      if (room.waitsForMs < GREETING_LOOKS_FOR_MS) againMs = LOOKS_MS;
    }
    return { waiting, againMs };
  }

  async #greet(room: Entered, loaded: LoadedGhost): Promise<"greeted" | "waits"> {
    const { memberships, handler, notices, trustNotices } = this.#services;
    const { roomId, inviter } = room;
    const direct = (await partnerIn(this.#services, this.#ghost.userId, roomId)) !== undefined;
    const obstacle = inviter === undefined ? undefined : await this.#obstacle(roomId, inviter, loaded);
    if (inviter === undefined || obstacle === undefined) {
      await handler.joined(this.#ghost, { roomId, direct });
      await memberships.setUngreeted(loaded.lease, roomId, undefined);
      // Another untrusted device of the person is a separate case.
      if (inviter !== undefined) await trustNotices.forget(inviter, roomId);
      return "greeted";
    }
    await memberships.setUngreeted(loaded.lease, roomId, inviter);
    const content = await notices.unheard(this.#ghost, { roomId, direct, why: obstacle.why });
    // A person without any device can read nothing.
    if (content !== undefined && obstacle.devices > 0) {
      // The same reason as for messages, so that a message sent meanwhile causes no second notice.
      const notice = { roomId, userId: inviter, why: obstacle.why, content };
      await trustNotices.tell(this.#ghost, loaded.lease, notice);
    }
    return "waits";
  }

  /** The reason why a person can't read messages in a room; undefined when there is none. */
  async #obstacle(roomId: string, inviter: string, { device }: LoadedGhost): Promise<Obstacle | undefined> {
    const view = await this.#sender.view(roomId);
    if (view.encryption === undefined) return undefined;
    // A person who has left meanwhile can read nothing here any more.
    if (!(await this.#services.rooms.recipients(roomId, view)).includes(inviter)) return undefined;
    return device?.lists.obstacleTo(inviter, this.#services.trustIn(this.#ghost.userId, roomId).send);
  }
}
