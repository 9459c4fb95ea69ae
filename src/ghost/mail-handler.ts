import { isVerification } from "../crypto/verification-events.ts";
import type { Queryable } from "../database/database.ts";
import type { MailItem } from "../mailbox/mail-item.ts";
import { SAID_OTHERWISE } from "../mailbox/routing.ts";
import { parseContent, type ReceivedContent } from "../matrix/received-content.ts";
import { isRetryable } from "../observability/retryable.ts";
import { mayTalkIn } from "../permissions/encryption-mode.ts";
import type { ClearEvents } from "./clear-events.ts";
import type { EncryptedEvents } from "./encrypted-events.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { GhostServices } from "./ghost-services.ts";
import { done, type ItemResult } from "./item-result.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import type { MembershipEvents } from "./membership-events.ts";
import { combined } from "./outcome.ts";
import type { RoomUpgrades } from "./room-upgrades.ts";
import type { Sender } from "./sender.ts";

/** Handles a ghost's mail, by the type of the event. */
export class MailHandler {
  readonly #ghost: GhostHandle;
  readonly #services: Pick<GhostServices, "handler" | "mailbox" | "mode" | "rooms" | "trustIn">;
  readonly #sender: Pick<Sender, "view">;
  readonly #clear: ClearEvents;
  readonly #encrypted: EncryptedEvents;
  readonly #memberships: MembershipEvents;
  readonly #upgrades: RoomUpgrades;

  constructor(
    ghost: GhostHandle,
    services: Pick<GhostServices, "handler" | "mailbox" | "mode" | "rooms" | "trustIn">,
    parts: {
      readonly sender: Pick<Sender, "view">;
      readonly clear: ClearEvents;
      readonly encrypted: EncryptedEvents;
      readonly memberships: MembershipEvents;
      readonly upgrades: RoomUpgrades;
    },
  ) {
    this.#ghost = ghost;
    this.#services = services;
    this.#sender = parts.sender;
    this.#clear = parts.clear;
    this.#encrypted = parts.encrypted;
    this.#memberships = parts.memberships;
    this.#upgrades = parts.upgrades;
  }

  /**
   * Handles one item and decides about it. Throws when that failed; the item is then still in the mailbox.
   *
   * @param survived called when the crypto engine has finished with the item.
   */
  async handle(item: MailItem, loaded: LoadedGhost, survived: () => Promise<void>): Promise<ItemResult> {
    const { event } = item;
    const said = parseContent(event.type, event.content);
    switch (event.type) {
      case "m.room.member":
        return this.#memberships.handle(item, loaded);
      case "m.room.encrypted":
        return this.#encrypted.handle(item, loaded, survived);
      case "m.room.message":
        if (said.kind === "verification_request") {
          return this.#clear.verification(item, { ...event, said, form: "clear" }, loaded, survived);
        }
        await survived();
        return this.#plain(item, said, loaded);
      case "m.room.redaction":
        return this.#redaction(item, said);
      case "m.reaction":
        await survived();
        return done(await this.#clear.reaction(item, said, await this.#clear.look(item)));
      case "m.room.tombstone":
        await this.#upgrades.followed(event);
        return done();
      default:
        if (SAID_OTHERWISE.has(event.type)) {
          await survived();
          return this.#plain(item, said, loaded);
        }
        if (isVerification(event.type)) {
          return this.#clear.verification(item, { ...event, said, form: "clear" }, loaded, survived);
        }
        return done();
    }
  }

  /** An unencrypted message in an encrypted room may be anybody's: the server could have invented it. */
  async #plain(item: MailItem, said: ReceivedContent, { lease }: LoadedGhost): Promise<ItemResult> {
    const { event } = item;
    const { rooms, trustIn, mode } = this.#services;
    const [view, look] = await Promise.all([
      this.#sender.view(event.room_id).catch((error: unknown) => {
        if (isRetryable(error)) throw error;
        this.#ghost.log.warn(
          { room: event.room_id, error },
          "the room's state can't be read; what is known of it counts",
        );
        return undefined;
      }),
      this.#clear.look(item),
    ]);
    const isEncrypted = view === undefined ? await rooms.isEncrypted(event.room_id) : view.encryption !== undefined;
    if (!mayTalkIn(mode, isEncrypted)) return done();
    const { read } = trustIn(this.#ghost.userId, event.room_id);
    if (isEncrypted && read !== "unverified") {
      return this.#clear.distrusted(item, said, look, { why: "not_encrypted", lease });
    }
    return done(await this.#clear.message(item, said, look, { encrypted: false, shield: undefined }));
  }

  async #redaction({ event }: MailItem, said: ReceivedContent): Promise<ItemResult> {
    // Servers check this field and put it beside the content for all room versions; since version 11 clients put it
    // only into the content.
    const target = event.redacts ?? (said.kind === "redaction" ? said.target : undefined);
    if (target === undefined) return done();
    const { handler, mailbox } = this.#services;
    const roomId = event.room_id;
    const outcome = await handler.redacted(this.#ghost, { roomId, target, sender: event.sender });
    // A deleted event that waits for its key must not be read when the key comes.
    const store = (tx: Queryable): Promise<void> => mailbox.forget(tx, this.#ghost.userId, { roomId, eventId: target });
    return done(combined(outcome, { store }));
  }
}
