import type { Decryption } from "../crypto/decryptor.ts";
import type { Device } from "../crypto/device.ts";
import { isVerification } from "../crypto/verification-events.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import type { Lease } from "../leases/leases.ts";
import type { MailItem } from "../mailbox/mail-item.ts";
import { SAID_OTHERWISE } from "../mailbox/routing.ts";
import { parseContent } from "../matrix/received-content.ts";
import { reached } from "../observability/steps.ts";
import { mayTalkIn } from "../permissions/encryption-mode.ts";
import type { ClearEvents } from "./clear-events.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { GhostServices } from "./ghost-services.ts";
import { done, type ItemResult } from "./item-result.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import { tellOfNoDevice } from "./no-device-notice.ts";
import { isReplay, noteHandled } from "./replays.ts";
import type { EventLook } from "./room-look.ts";

/** The services for handling encrypted events. */
export type EncryptedEventsServices = Pick<
  GhostServices,
  "database" | "mailbox" | "metrics" | "missingKeys" | "mode" | "permissions" | "trustIn" | "notices" | "trustNotices"
>;

type Decrypted = Extract<Decryption, { kind: "decrypted" | "distrusted" }>;

/** Decrypts encrypted events: an event without its key waits, and a replay is set aside. */
export class EncryptedEvents {
  readonly #ghost: GhostHandle;
  readonly #services: EncryptedEventsServices;
  readonly #clear: ClearEvents;
  readonly #keyIsLate: () => void;

  /** @param keyIsLate called when an event starts to wait for its key. */
  constructor(
    ghost: GhostHandle,
    services: EncryptedEventsServices,
    { clear, keyIsLate }: { readonly clear: ClearEvents; readonly keyIsLate: () => void },
  ) {
    this.#ghost = ghost;
    this.#services = services;
    this.#clear = clear;
    this.#keyIsLate = keyIsLate;
  }

  /**
   * Decrypts an event and decides about it.
   *
   * @param survived called when the crypto engine has finished with it.
   */
  async handle(item: MailItem, loaded: LoadedGhost, survived: () => Promise<void>): Promise<ItemResult> {
    const { event } = item;
    const { database, missingKeys, mode } = this.#services;
    const { device } = loaded;
    if (device === undefined) {
      if (this.#mayBeKept(event)) await tellOfNoDevice(this.#services, this.#ghost, loaded.lease, event.room_id);
      return done();
    }
    if (!mayTalkIn(mode, true)) return done();
    const log = this.#ghost.log.child({ room: event.room_id, event: event.event_id });
    const decryption = await this.#decrypt(event, device);
    if (decryption.kind === "missing_key") return this.#awaitKey(event, decryption, { device, lease: loaded.lease });
    if (decryption.kind === "refused") {
      this.#count("refused");
      log.warn({ reason: decryption.reason }, "event refused");
      return this.#setAside(item, `not decrypted: ${decryption.reason}`);
    }
    reached("event.decrypted");
    await survived();
    const [isReplayed, look] = await Promise.all([
      isReplay(database, this.#ghost.userId, event),
      this.#clear.look(item),
    ]);
    if (isReplayed) {
      this.#count("replayed");
      log.warn("event refused: it replays another event");
      return this.#setAside(item, "a replay of another event");
    }
    this.#count(decryption.kind);
    if (item.lateMs > 0) await missingKeys.takeBack(this.#ghost, event, loaded);
    return this.#inClear(item, decryption, look, loaded);
  }

  /**
   * Decrypts with a key that may have come since the last /sync: it was sent before the event, so it is on the server
   * now.
   */
  async #decrypt(event: RoomEvent, device: Device): Promise<Decryption> {
    const { read } = this.#services.trustIn(this.#ghost.userId, event.room_id);
    const decryption = await device.decrypt(event, read);
    if (decryption.kind !== "missing_key") return decryption;
    await device.catchUp();
    return device.decrypt(event, read);
  }

  #awaitKey(
    event: RoomEvent,
    key: Extract<Decryption, { kind: "missing_key" }>,
    { device, lease }: { readonly device: Device; readonly lease: Lease },
  ): ItemResult {
    const { mailbox, trustIn } = this.#services;
    const log = this.#ghost.log.child({ room: event.room_id, event: event.event_id });
    if (!this.#mayBeKept(event)) {
      log.info("no key for this event; it does not wait, because its sender may not use this agent");
      this.#count("missing_key");
      return done();
    }
    const after = async (): Promise<void> => {
      // Otherwise the event would wait for ever for a key that came in between.
      const again = await device.decrypt(event, trustIn(this.#ghost.userId, event.room_id).read);
      if (again.kind === "missing_key") {
        log.warn("no key for this event yet; it waits");
        this.#count("missing_key");
        this.#keyIsLate();
      } else {
        await mailbox.keysArrived(lease, [key.sessionId]);
      }
    };
    return { kind: "awaits_key", key, after };
  }

  async #inClear(item: MailItem, decryption: Decrypted, look: EventLook, loaded: LoadedGhost): Promise<ItemResult> {
    const { event } = item;
    // An event's relation stands outside the ciphertext.
    const relation = event.content["m.relates_to"];
    const content = { ...decryption.content, ...(relation === undefined ? {} : { "m.relates_to": relation }) };
    const { type } = decryption;
    const isDistrusted = decryption.kind === "distrusted";
    const said = parseContent(type, content);
    if (isVerification(type) || said.kind === "verification_request") {
      const clear = { type, content, said, form: isDistrusted ? "encrypted to all" : "encrypted" } as const;
      return this.#onlyOnce(event, await this.#clear.verification(item, clear, loaded, () => Promise.resolve()));
    }
    if (type === "m.reaction") {
      return this.#onlyOnce(event, done(isDistrusted ? {} : await this.#clear.reaction(item, said, look)));
    }
    if (type !== "m.room.message" && !SAID_OTHERWISE.has(type)) return this.#onlyOnce(event, done());
    const { lease } = loaded;
    if (isDistrusted) return this.#clear.distrusted(item, said, look, { why: decryption.why, lease });
    const came = { encrypted: true, shield: decryption.shield };
    return this.#onlyOnce(event, done(await this.#clear.message(item, said, look, came)));
  }

  #count(outcome: string): void {
    this.#services.metrics?.decryptions.inc({ outcome });
  }

  /** Records the event, so that a copy of its ciphertext in another event is refused; see replays.ts. */
  #onlyOnce(event: RoomEvent, result: ItemResult): ItemResult {
    if (result.kind !== "done" || !this.#mayBeKept(event)) return result;
    const { store, last, after } = result.outcome;
    return done({
      store: async (tx) => {
        await Promise.all([noteHandled(tx, this.#ghost.userId, event), store?.(tx)]);
      },
      last,
      ...(after === undefined ? {} : { after }),
    });
  }

  /** Sets an item aside, if it may be stored. */
  #setAside(item: MailItem, reason: string): ItemResult {
    return this.#mayBeKept(item.event) ? { kind: "set_aside", reason } : done();
  }

  /**
   * Whether a user's message may be stored here: of a user who may not use this agent in this room only the event's id
   * is kept. A refusal is not reported, because it is not known yet whether the message was to the agent.
   */
  #mayBeKept({ sender: userId, room_id: roomId }: RoomEvent): boolean {
    const ghost = this.#ghost.userId;
    return this.#services.permissions.decide({ act: "overheard", userId, ghost, roomId }).allowed;
  }
}
