import { isVerification } from "../crypto/verification-events.ts";
import { MatrixError } from "../homeserver/errors.ts";
import { joinedMembers, joinedRooms, joinRoom, leaveRoom, roomState, roomType } from "../homeserver/room-calls.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import type { MailItem } from "../mailbox/mailbox.ts";
import { SAID_OTHERWISE } from "../mailbox/routing.ts";
import type { Logger } from "../observability/log.ts";
import { partnerIn } from "./direct-chat.ts";
import { isRetryable } from "../observability/retryable.ts";
import type { GhostAccount, LoadedGhost } from "./ghost-account.ts";
import type { Lease } from "../leases/leases.ts";
import type { Decision } from "../permissions/decisions.ts";
import {
  describeRefusal,
  describeRefusedRoom,
  encryptionOfInvite,
  mayTalkIn,
  SPACE,
  typeOfInvite,
} from "../permissions/invites.ts";
import type { Distrust } from "../permissions/trust.ts";
import type { Shield } from "../crypto/shield.ts";
import type { VerificationForm } from "../crypto/verification-messages.ts";
import { isReplay, noteHandled } from "./replays.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { Greeting } from "./greeting.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { GhostMessage } from "./received.ts";
import { predecessorRoom, replacementRoom } from "../rooms/upgrade.ts";
import { done, type ItemResult } from "./item-result.ts";
import { combined, type Outcome } from "./outcome.ts";
import type { Sender } from "./sender.ts";
import { saidSinceInvite } from "./since-invite.ts";
import { auditOfMembership, inviterOf, membershipBefore } from "./own-membership.ts";
import type { Queryable } from "../database/database.ts";
import { reached } from "../observability/steps.ts";

/** A request for a verification that is older than this is not answered any more (spec "m.key.verification.request"). */
const VERIFICATION_MAX_AGE_MS = 600_000;

function asksForVerification(content: Readonly<Record<string, unknown>>): boolean {
  return content["msgtype"] === "m.key.verification.request";
}

/** What is no message, as one of a kind of its own: by that it is known, and taken for nobody's words. */
function named({ type, content }: Pick<RoomEvent, "type" | "content">): RoomEvent["content"] {
  return { ...content, msgtype: type };
}

/** What a ghost does with its mail: it joins, decrypts, and hands on what was said. */
export class Reception {
  readonly #ghost: GhostHandle;
  readonly #services: GhostServices;
  readonly #account: GhostAccount;
  readonly #sender: Sender;
  readonly #greeting: Greeting;
  readonly #keyIsLate: () => void;
  readonly #greetingWaits: () => void;

  /**
   * @param options.keyIsLate called when an event begins to wait for its key.
   * @param options.greetingWaits called when somebody can't read a greeting yet.
   */
  constructor(options: {
    ghost: GhostHandle;
    services: GhostServices;
    account: GhostAccount;
    sender: Sender;
    greeting: Greeting;
    keyIsLate: () => void;
    greetingWaits: () => void;
  }) {
    this.#ghost = options.ghost;
    this.#services = options.services;
    this.#account = options.account;
    this.#sender = options.sender;
    this.#greeting = options.greeting;
    this.#keyIsLate = options.keyIsLate;
    this.#greetingWaits = options.greetingWaits;
  }

  /**
   * Handles one item and decides what becomes of it. Throws when it could not; the item is then still in the mailbox.
   *
   * @param survived called when the crypto engine has let go of the item.
   */
  async handle(item: MailItem, loaded: LoadedGhost, survived: () => Promise<void>): Promise<ItemResult> {
    const { event } = item;
    switch (event.type) {
      case "m.room.member":
        return this.#ownMembership(item, loaded);
      case "m.room.encrypted":
        return this.#encrypted(item, loaded, survived);
      case "m.room.message":
        if (asksForVerification(event.content)) {
          return this.#verification(item, { ...event, form: "clear" }, loaded, survived);
        }
        await survived();
        return this.#plain(item, loaded);
      case "m.room.redaction":
        return this.#redaction(item);
      case "m.reaction":
        await survived();
        return done(await this.#reaction(item, event.content));
      case "m.room.tombstone":
        await this.#upgraded(event);
        return done();
      default:
        if (SAID_OTHERWISE.has(event.type)) {
          await survived();
          return this.#plain({ ...item, event: { ...event, content: named(event) } }, loaded);
        }
        if (isVerification(event.type)) {
          return this.#verification(item, { ...event, form: "clear" }, loaded, survived);
        }
        return done();
    }
  }

  /** @param clear the event as it reads in clear, and how it came. */
  async #verification(
    { event }: MailItem,
    clear: Pick<RoomEvent, "type" | "content"> & { readonly form: VerificationForm },
    { device }: LoadedGhost,
    survived: () => Promise<void>,
  ): Promise<ItemResult> {
    const isStale = Date.now() - event.origin_server_ts > VERIFICATION_MAX_AGE_MS;
    const isForOther = asksForVerification(clear.content) && clear.content["to"] !== this.#ghost.userId;
    if (isStale || isForOther || !this.#mayVerify(event)) return done();
    const { event_id, room_id, sender, origin_server_ts } = event;
    const { type, content } = clear;
    await device.receiveVerification({ event_id, room_id, sender, origin_server_ts, type, content }, clear.form);
    await survived();
    return done();
  }

  /**
   * Whether what somebody says may be kept here at all: of who may not use this agent in this room no more than the event's id
   * is. Asked without a word about it: whether it was said to the agent is not known yet.
   */
  #mayBeKept({ sender: userId, room_id: roomId }: RoomEvent): boolean {
    const ghost = this.#ghost.userId;
    return this.#services.permissions.decide({ act: "overheard", userId, ghost, roomId }).allowed;
  }

  /** Keeps an item for a look, if it may be. */
  #setAside(item: MailItem, reason: string): ItemResult {
    return this.#mayBeKept(item.event) ? { kind: "set_aside", reason } : done();
  }

  /** Who may not gets no word in the room; by to-device messages, a refusal (see crypto/verifications.ts). */
  #mayVerify({ sender: userId, room_id: roomId }: RoomEvent): boolean {
    const ghost = this.#ghost.userId;
    return this.#services.permissions.decide({ act: "verification", userId, ghost, roomId }).allowed;
  }

  /** What comes in clear into an encrypted room may be anybody's: the server's, for one. */
  async #plain(item: MailItem, { lease }: LoadedGhost): Promise<ItemResult> {
    const { event } = item;
    const { rooms, trustIn, mode } = this.#services;
    await this.#sender.view(event.room_id).catch((error: unknown) => {
      if (isRetryable(error)) throw error;
      this.#ghost.log.warn({ room: event.room_id, error }, "the room's state can't be read: it counts as encrypted");
    });
    const isEncrypted = await rooms.isEncrypted(event.room_id);
    if (!mayTalkIn(mode, isEncrypted)) return done();
    const { read } = trustIn(this.#ghost.userId, event.room_id);
    if (isEncrypted && read !== "unverified") return this.#distrusted(item, event.content, "not_encrypted", lease);
    return done(await this.#message(item, event.content, undefined, false));
  }

  async #encrypted(item: MailItem, loaded: LoadedGhost, survived: () => Promise<void>): Promise<ItemResult> {
    const { device, lease } = loaded;
    const { event } = item;
    const { database, mailbox, missingKeys, trustIn, mode, metrics } = this.#services;
    if (!mayTalkIn(mode, true)) return done();
    const log = this.#ghost.log.child({ room: event.room_id, event: event.event_id });
    const count = (outcome: string): void => metrics?.decryptions.inc({ outcome });
    const { read } = trustIn(this.#ghost.userId, event.room_id);
    let decryption = await device.decrypt(event, read);
    if (decryption.kind === "missing_key") {
      // The key was sent before the event, so it is on the server by now.
      await device.catchUp();
      decryption = await device.decrypt(event, read);
    }
    if (decryption.kind === "missing_key" && !this.#mayBeKept(event)) {
      log.info("no key for this event, and none is waited for: who sent it may not use this agent");
      count("missing_key");
      return done();
    }
    if (decryption.kind === "missing_key") {
      const { sessionId } = decryption;
      const after = async (): Promise<void> => {
        // A key that came in between would otherwise be waited for without end.
        const again = await device.decrypt(event, read);
        if (again.kind === "missing_key") {
          log.warn("no key for this event yet; it waits");
          count("missing_key");
          this.#keyIsLate();
        } else {
          await mailbox.keysArrived(lease, [sessionId]);
        }
      };
      return { kind: "awaits_key", key: decryption, after };
    }
    if (decryption.kind === "refused") {
      count("refused");
      log.warn({ reason: decryption.reason }, "event refused");
      return this.#setAside(item, `not decrypted: ${decryption.reason}`);
    }
    reached("event.decrypted");
    await survived();
    if (await isReplay(database, this.#ghost.userId, event)) {
      count("replayed");
      log.warn("event refused: it repeats what another event said");
      return this.#setAside(item, "a replay of another event");
    }
    count(decryption.kind);
    if (item.lateMs > 0) await missingKeys.takeBack(this.#ghost, event, loaded);
    // What relates an event to another stands outside the ciphertext.
    const relation = event.content["m.relates_to"];
    const content = { ...decryption.content, ...(relation === undefined ? {} : { "m.relates_to": relation }) };
    const isOther = SAID_OTHERWISE.has(decryption.type);
    const said = isOther ? named({ type: decryption.type, content }) : content;
    if (isVerification(decryption.type) || asksForVerification(content)) {
      const form = decryption.kind === "distrusted" ? "encrypted to all" : "encrypted";
      const clear = { type: decryption.type, content, form } as const;
      return this.#onlyOnce(event, await this.#verification(item, clear, loaded, () => Promise.resolve()));
    }
    if (decryption.type === "m.reaction") {
      return this.#onlyOnce(event, done(decryption.kind === "distrusted" ? {} : await this.#reaction(item, content)));
    }
    if (decryption.type !== "m.room.message" && !isOther) return this.#onlyOnce(event, done());
    if (decryption.kind === "distrusted") return this.#distrusted(item, said, decryption.why, lease);
    return this.#onlyOnce(event, done(await this.#message(item, said, decryption.shield, true)));
  }

  /** Whoever sends the same ciphertext again as another event is not heard a second time; see replays.ts. */
  #onlyOnce(event: RoomEvent, result: ItemResult): ItemResult {
    if (result.kind !== "done" || !this.#mayBeKept(event)) return result;
    const store = (tx: Queryable): Promise<void> => noteHandled(tx, this.#ghost.userId, event);
    return done(combined({ store }, result.outcome));
  }

  /** The writer is told, if it was said to the ghost at all; then it is kept, for a changed mind of the operator. */
  async #distrusted(
    item: MailItem,
    content: Readonly<Record<string, unknown>>,
    why: Distrust,
    lease: Lease,
  ): Promise<ItemResult> {
    const { notices, trustNotices } = this.#services;
    const { event } = item;
    this.#ghost.log.warn({ room: event.room_id, event: event.event_id, why }, "message not acted on: not trusted");
    const message = await this.#messageOf(item, content, undefined, why !== "not_encrypted");
    const notice = message && (await notices.distrusted(this.#ghost, message, why));
    if (notice === undefined) return done();
    // Who was on their way to be answered when their identity changed has read so.
    const unlessTold = why === "verified_identity_changed" ? (["silenced"] as const) : [];
    const about = { roomId: event.room_id, userId: event.sender, why, unlessTold };
    await trustNotices.tell(this.#ghost, lease, { ...about, content: notice });
    return { kind: "set_aside", reason: `not trusted: ${why.replaceAll("_", " ")}` };
  }

  async #message(
    item: MailItem,
    content: Readonly<Record<string, unknown>>,
    shield: Shield | undefined,
    encrypted: boolean,
  ): Promise<Outcome> {
    const message = await this.#messageOf(item, content, shield, encrypted);
    return message === undefined ? {} : this.#services.handler.message(this.#ghost, message);
  }

  /** Undefined when the ghost is no longer in the room. */
  async #messageOf(
    { event, lateMs }: MailItem,
    content: Readonly<Record<string, unknown>>,
    shield: Shield | undefined,
    encrypted: boolean,
  ): Promise<GhostMessage | undefined> {
    const membership = await this.#services.store.membership(this.#ghost.userId, event.room_id);
    if (membership?.membership !== "join") return undefined;
    return {
      eventId: event.event_id,
      roomId: event.room_id,
      sender: event.sender,
      sentAt: event.origin_server_ts,
      content,
      direct: await this.#isDirectWith(event),
      encrypted,
      lateMs,
      shield,
    };
  }

  /** Whether the room is a direct chat with who sent an event: it was said in a group where they have left it since. */
  async #isDirectWith({ room_id: roomId, sender }: RoomEvent): Promise<boolean> {
    return (await partnerIn(this.#services, this.#ghost.userId, roomId)) === sender;
  }

  /** Clients send these in clear, in encrypted rooms too. */
  async #reaction({ event }: MailItem, content: RoomEvent["content"]): Promise<Outcome> {
    const relation = content["m.relates_to"] as Readonly<Record<string, unknown>> | null | undefined;
    const { rel_type: type, event_id: target, key } = relation ?? {};
    if (type !== "m.annotation" || typeof target !== "string" || typeof key !== "string") return {};
    const membership = await this.#services.store.membership(this.#ghost.userId, event.room_id);
    if (membership?.membership !== "join") return {};
    const reaction = { eventId: event.event_id, roomId: event.room_id, sender: event.sender, target, key };
    return this.#services.handler.reaction(this.#ghost, reaction);
  }

  async #redaction({ event }: MailItem): Promise<ItemResult> {
    // Beside the content, where servers put it for all room versions and have checked it; in it alone since version 11.
    const target = event.redacts ?? event.content["redacts"];
    if (typeof target !== "string") return done();
    const { handler, mailbox } = this.#services;
    const roomId = event.room_id;
    const outcome = await handler.redacted(this.#ghost, { roomId, target, sender: event.sender });
    // What waits for its key is not to be read when that comes.
    const store = (tx: Queryable): Promise<void> => mailbox.forget(tx, this.#ghost.userId, { roomId, eventId: target });
    return done(combined(outcome, { store }));
  }

  async #ownMembership(item: MailItem, loaded: LoadedGhost): Promise<ItemResult> {
    const { event } = item;
    const { handler, mailbox, outbox, audit } = this.#services;
    const roomId = event.room_id;
    const ghost = this.#ghost.userId;
    const entry = auditOfMembership(ghost, event);
    const note: Outcome = { store: entry && ((tx) => audit.record(tx, entry)) };
    const log = this.#ghost.log.child({ room: roomId, event: event.event_id });
    if (event.content["membership"] !== "join" && (await this.#isPast(item))) {
      log.info("a membership that came late: the ghost is in the room");
      return done();
    }
    switch (event.content["membership"]) {
      case "invite":
        await this.#invited(event, log);
        return done(note);
      case "join": {
        if (membershipBefore(event) === "invite" && (await this.#withdrew(roomId, log))) return done(note);
        // So that the first answer finds the room read and everybody's devices known.
        await this.#sender.meet(roomId).catch((error: unknown) => {
          if (isRetryable(error)) throw error;
          log.warn({ error }, "the room's state can't be read yet");
        });
        if (membershipBefore(event) !== "invite") return done(note);
        const said = await this.#entered(item, loaded, log);
        return done(combined(note, { store: (tx) => mailbox.adopt(tx, ghost, item, said) }));
      }
      default: {
        log.info({ membership: event.content["membership"] }, "no longer in the room");
        const outcome = await handler.left(this.#ghost, roomId);
        const store = async (tx: Queryable): Promise<void> => {
          await mailbox.forget(tx, ghost, { roomId });
          await outbox.forget(tx, ghost, roomId);
        };
        return done(combined(outcome, { store }, note));
      }
    }
  }

  /** Leaves a room that is too large, where that could not be known at the invite. Says whether it did. */
  async #withdrew(roomId: string, log: Logger): Promise<boolean> {
    const { client, permissions } = this.#services;
    const most = permissions.maxRoomMembers;
    if (most === undefined || permissions.isBanList(roomId)) return false;
    try {
      // As at the invite: without the ghost itself.
      const others = (await this.#ghost.memberCount(roomId)) - 1;
      if (others <= most) return false;
      const reason = describeRefusal(this.#services.words(), "room_too_large");
      await leaveRoom(client, { userId: this.#ghost.userId }, roomId, reason);
      log.info({ members: others, why: "room_too_large" }, "left again: the room's size was not known at the invite");
      return true;
    } catch (error) {
      if (isRetryable(error)) throw error;
      log.warn({ error }, "whether the room is too large could not be settled");
      return false;
    }
  }

  /** Greets the room, and returns what was said there since the invite. */
  async #entered({ event }: MailItem, loaded: LoadedGhost, log: Logger): Promise<readonly RoomEvent[]> {
    const { client, store } = this.#services;
    const roomId = event.room_id;
    const membership = await store.membership(this.#ghost.userId, roomId);
    if (membership?.membership !== "join") return [];
    const said = await saidSinceInvite(client, event).catch((error: unknown) => {
      if (isRetryable(error)) throw error;
      log.warn({ error }, "what was said before this agent came can't be read");
      return [];
    });
    if (await this.#isSpace(roomId, log)) {
      log.info("in a space, where nobody is talked with: no greeting");
      return said;
    }
    const room = { roomId, inviter: inviterOf(event) };
    if ((await this.#greeting.entered(room, loaded)) === "waits") this.#greetingWaits();
    return said;
  }

  async #isSpace(roomId: string, log: Logger): Promise<boolean> {
    try {
      return (await roomType(this.#services.client, { userId: this.#ghost.userId }, roomId)) === SPACE;
    } catch (error) {
      if (isRetryable(error)) throw error;
      log.warn({ error }, "what kind of room this is can't be read");
      return false;
    }
  }

  /**
   * Whether the ghost is in the room in spite of an event that says otherwise: Synapse may tell of it long after. Then what
   * was noted when it came in is put right. An invite that is tried again may be the one that was accepted.
   */
  async #isPast({ event, isSuspect }: MailItem): Promise<boolean> {
    if (isSuspect && event.content["membership"] === "invite") return false;
    const { client, store } = this.#services;
    const joined = await joinedRooms(client, { userId: this.#ghost.userId });
    if (!joined.includes(event.room_id)) return false;
    await store.reconcile(this.#ghost.userId, [event.room_id], new Set());
    return true;
  }

  async #invited(event: RoomEvent, log: Logger): Promise<void> {
    const { client } = this.#services;
    const actor = { userId: this.#ghost.userId };
    // Made first, so that whoever sees the join finds a device to send keys to.
    const { device } = await this.#account.load();
    try {
      const isEncrypted = encryptionOfInvite(event);
      const reason = await this.#reasonToDecline(event, isEncrypted, log);
      if (reason !== undefined) {
        await leaveRoom(client, actor, event.room_id, reason);
        return;
      }
      // Before the join, so that keys of the history are looked for however the process ends.
      if (isEncrypted !== false) await device.expectHistory(event.room_id, event.sender);
      await joinRoom(client, actor, event.room_id);
      if (isEncrypted !== false) await device.catchUp();
      if (event.content["is_direct"] === true) await this.#account.addDirectRoom(event.sender, event.room_id);
      else await this.#goOnFrom(predecessorRoom(event.unsigned?.["invite_room_state"]), event);
      log.info({ direct: event.content["is_direct"] === true }, "invite accepted");
    } catch (error) {
      if (!(error instanceof MatrixError) || error.retryable) throw error;
      log.warn({ error }, "invite could not be answered; it may have been taken back");
    }
  }

  /** What the one who invites reads; undefined when the invite is to be accepted. */
  async #reasonToDecline(event: RoomEvent, isEncrypted: boolean | undefined, log: Logger): Promise<string | undefined> {
    const { invites, mode, permissions } = this.#services;
    const words = this.#services.words();
    const { sender: inviter, event_id: eventId, room_id: roomId } = event;
    const decision = await this.#mayBring(inviter, roomId);
    if (!decision.allowed) {
      log.info({ inviter, why: decision.reason }, "invite declined");
      return describeRefusal(words, decision.reason);
    }
    if (permissions.isBanList(roomId)) return undefined;
    if (typeOfInvite(event) !== SPACE && isEncrypted !== undefined && !mayTalkIn(mode, isEncrypted)) {
      log.info({ encrypted: isEncrypted, mode }, "invite declined: this agent does not talk in such rooms");
      return describeRefusedRoom(words, mode);
    }
    // Last, so that what is declined for other reasons does not count.
    if (await invites.take({ ghost: this.#ghost.userId, eventId, inviter })) return undefined;
    log.info({ inviter, why: "invites_per_day" }, "invite declined");
    return words.invites.tooMany;
  }

  /** Whether somebody may have this ghost come into a room. Its size is asked for only where it counts. */
  async #mayBring(userId: string, roomId: string): Promise<Decision> {
    const { permissions, client } = this.#services;
    const ghost = this.#ghost.userId;
    const request = { act: "invite", userId, ghost, roomId } as const;
    const decision = permissions.decide(request);
    if (!decision.allowed || permissions.maxRoomMembers === undefined) return decision;
    const via = userId.slice(userId.indexOf(":") + 1);
    return permissions.decide({ ...request, members: await joinedMembers(client, { userId: ghost }, roomId, via) });
  }

  /** The room goes on in another one. Where that is open only to who is invited, the invite is waited for. */
  async #upgraded(event: RoomEvent): Promise<void> {
    const { client, invites } = this.#services;
    const actor = { userId: this.#ghost.userId };
    const replacement = replacementRoom(event.content);
    const log = this.#ghost.log.child({ room: event.room_id, replacement });
    if (replacement === undefined) return;
    const decision = await this.#mayBring(event.sender, replacement);
    if (!decision.allowed) {
      log.info({ user: event.sender, why: decision.reason }, "a room is not followed to where it goes on");
      return;
    }
    // Whoever names room after room brings the agent into them as by an invite.
    if (!(await invites.take({ ghost: this.#ghost.userId, eventId: event.event_id, inviter: event.sender }))) {
      log.info({ user: event.sender }, "a room is not followed to where it goes on: too many invites today");
      return;
    }
    try {
      await joinRoom(client, actor, replacement, { via: event.sender.slice(event.sender.indexOf(":") + 1) });
      // Anybody can name any room in a tombstone of their own; the other one has to say so too.
      if (
        predecessorRoom(await roomState(client, actor, replacement, { types: new Set(["m.room.create"]) })) !==
        event.room_id
      ) {
        await leaveRoom(client, actor, replacement);
        log.warn("a room that does not go on from this one was not followed to");
        return;
      }
      if (await this.#withdrew(replacement, log)) return;
      await this.#goOnFrom(event.room_id, { room_id: replacement, sender: event.sender });
      log.info("followed a room to where it goes on");
    } catch (error) {
      if (!(error instanceof MatrixError) || error.retryable) throw error;
      log.info({ error }, "the room goes on where nobody has invited this agent yet");
    }
  }

  /** A room that goes on from one that was called a direct chat is called so, too. */
  async #goOnFrom(
    predecessor: string | undefined,
    { room_id, sender }: Pick<RoomEvent, "room_id" | "sender">,
  ): Promise<void> {
    if (predecessor === undefined) return;
    const { store } = this.#services;
    const before = await store.membership(this.#ghost.userId, predecessor);
    if (before?.calledDirect !== true) return;
    await store.setDirect(this.#ghost.userId, room_id);
    await this.#account.addDirectRoom(sender, room_id);
  }
}
