import type { VerificationForm } from "../crypto/verification-messages.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import type { Lease } from "../leases/leases.ts";
import type { MailItem } from "../mailbox/mail-item.ts";
import type { ReceivedContent } from "../matrix/received-content.ts";
import type { Distrust } from "../permissions/trust.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { GhostServices } from "./ghost-services.ts";
import { done, type ItemResult } from "./item-result.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import type { Outcome } from "./outcome.ts";
import type { GhostMessage } from "./received.ts";
import { lookAtEvent, type EventLook } from "./room-look.ts";

/** Older requests for a verification are not answered (spec "m.key.verification.request"). */
const VERIFICATION_MAX_AGE_MS = 600_000;

/** The services for handling unencrypted events. */
export type ClearEventsServices = Pick<
  GhostServices,
  "client" | "handler" | "log" | "memberships" | "notices" | "permissions" | "roomSettings" | "rooms" | "trustNotices"
>;

/** The way in which a message came. */
export type Came = Pick<GhostMessage, "encrypted" | "shield">;

/** Handles a ghost's events in readable form, whether they came unencrypted or were decrypted. */
export class ClearEvents {
  readonly #ghost: GhostHandle;
  readonly #services: ClearEventsServices;

  constructor(ghost: GhostHandle, services: ClearEventsServices) {
    this.#ghost = ghost;
    this.#services = services;
  }

  /**
   * @param clear the event in readable form, as the crypto engine takes it; its content; and the form in which it came.
   */
  async verification(
    { event }: MailItem,
    clear: Pick<RoomEvent, "type" | "content"> & { readonly said: ReceivedContent; readonly form: VerificationForm },
    { device }: LoadedGhost,
    survived: () => Promise<void>,
  ): Promise<ItemResult> {
    const isStale = Date.now() - event.origin_server_ts > VERIFICATION_MAX_AGE_MS;
    const isForOther = clear.said.kind === "verification_request" && clear.said.to !== this.#ghost.userId;
    if (device === undefined || isStale || isForOther || !this.#mayVerify(event)) return done();
    const { event_id, room_id, sender, origin_server_ts } = event;
    const { type, content } = clear;
    await device.receiveVerification({ event_id, room_id, sender, origin_server_ts, type, content }, clear.form);
    await survived();
    return done();
  }

  /**
   * A user who may not verify the ghost gets no answer in the room, and a refusal by to-device messages (see
   * crypto/verifications.ts).
   */
  #mayVerify({ sender: userId, room_id: roomId }: RoomEvent): boolean {
    const ghost = this.#ghost.userId;
    return this.#services.permissions.decide({ act: "verification", userId, ghost, roomId }).allowed;
  }

  /** Looks at an event's room, for the methods that take a look. Throws temporary errors. */
  look({ event }: MailItem): Promise<EventLook> {
    return lookAtEvent(this.#services, this.#ghost.userId, event);
  }

  async message(item: MailItem, content: ReceivedContent, look: EventLook, came: Came): Promise<Outcome> {
    const message = messageOf(item, content, look, came);
    return message === undefined ? {} : this.#services.handler.message(this.#ghost, message);
  }

  /**
   * The writer is told, if the message was to the ghost. The message is kept, because the operator may change the
   * rules.
   */
  async distrusted(
    item: MailItem,
    content: ReceivedContent,
    look: EventLook,
    { why, lease }: { readonly why: Distrust; readonly lease: Lease },
  ): Promise<ItemResult> {
    const { notices, trustNotices } = this.#services;
    const { event } = item;
    this.#ghost.log.warn({ room: event.room_id, event: event.event_id, why }, "message not acted on: not trusted");
    const message = messageOf(item, content, look, { encrypted: why !== "not_encrypted", shield: undefined });
    const notice = message && (await notices.distrusted(this.#ghost, message, why));
    if (notice === undefined) return done();
    // A user whose identity changed just before an answer has already read a notice of that.
    const unlessTold = why === "verified_identity_changed" ? (["silenced"] as const) : [];
    const about = { roomId: event.room_id, userId: event.sender, why, unlessTold };
    await trustNotices.tell(this.#ghost, lease, { ...about, content: notice });
    return { kind: "set_aside", reason: `not trusted: ${why.replaceAll("_", " ")}` };
  }

  /** Clients send these unencrypted even in encrypted rooms. */
  async reaction(
    { event }: MailItem,
    content: ReceivedContent,
    { membership }: Pick<EventLook, "membership">,
  ): Promise<Outcome> {
    if (content.kind !== "reaction") return {};
    const { target, key } = content;
    if (membership?.membership !== "join") return {};
    const reaction = { eventId: event.event_id, roomId: event.room_id, sender: event.sender, target, key };
    return this.#services.handler.reaction(this.#ghost, reaction);
  }
}

/** Undefined when the ghost is no longer in the room. */
function messageOf(
  { event, lateMs }: MailItem,
  content: ReceivedContent,
  { membership, partner, latest, settings, speaker }: EventLook,
  { encrypted, shield }: Came,
): GhostMessage | undefined {
  if (membership?.membership !== "join") return undefined;
  return {
    eventId: event.event_id,
    roomId: event.room_id,
    sender: event.sender,
    sentAt: event.origin_server_ts,
    content,
    // The sender may have left a group since.
    direct: partner === event.sender,
    isLatest: partner === event.sender && latest === event.event_id,
    speaker,
    settings,
    encrypted,
    lateMs,
    shield,
  };
}
