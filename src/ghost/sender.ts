import { isDeepStrictEqual } from "node:util";
import type { Actor } from "../homeserver/client.ts";
import { findOwnEvent } from "../homeserver/find-own-event.ts";
import { sendEvent } from "../homeserver/room-calls.ts";
import type { EncryptionMode } from "../config/config.ts";
import { mayTalkIn } from "../permissions/invites.ts";
import type { RoomView } from "../rooms/room-view.ts";
import { encryptionTarget, viewAs } from "./encryption-target.ts";
import type { GhostAccount } from "./ghost-account.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { Form, SendOptions } from "./form.ts";
import { transactionId, type StoredSend } from "./outbox.ts";
import { reached } from "../observability/steps.ts";

const ENCRYPTED = "m.room.encrypted";

/** How long an event in clear is tried before its room is looked at again, in ms. */
const PLAIN_RETRY_MS = 15_000;

/**
 * Synapse remembers transaction ids for 24 hours and cleans up now and then. An event that was stored longer ago is
 * looked for in the room before it is sent again.
 */
const FORGOTTEN_AFTER_MS = 20 * 3_600_000;

/** How far the homeserver's clock and the database's may differ. */
const CLOCK_LEEWAY_MS = 3_600_000;

/** What a ghost says, and what it belongs to. */
export interface OutgoingEvent {
  readonly roomId: string;
  readonly type: string;
  readonly content: object;
  /** The same for the same thing, however often it is said. */
  readonly step: string;
}

/** The agents do not talk in rooms of this kind (`encryption.mode`). */
class RoomRefused extends Error {
  override readonly name = "RoomRefused";

  constructor(mode: EncryptionMode) {
    super(`agents do not talk in rooms of this kind (encryption.mode: ${mode})`);
  }
}

/** What came encrypted, or is made of that, would have gone in clear: the room is not encrypted, as far as the server says. */
export class ClearTextRefused extends Error {
  override readonly name = "ClearTextRefused";

  constructor() {
    super("what came encrypted is not said in clear, and the room counts as not encrypted");
  }
}

/** How often it is noted in the audit log that something did not go in clear: for each room once in so long, in ms. */
const REFUSAL_NOTED_MS = 3_600_000;

/** The services that sending needs, of those that all ghosts share. */
type SenderServices = Pick<
  GhostServices,
  | "audit"
  | "client"
  | "database"
  | "knownMembers"
  | "log"
  | "metrics"
  | "mode"
  | "outbox"
  | "rooms"
  | "trustIn"
  | "verification"
>;

/** How a ghost speaks: in the form that the room's state asks for, and every event once. */
export class Sender {
  readonly #userId: string;
  readonly #services: SenderServices;
  readonly #account: Pick<GhostAccount, "load">;
  readonly #stopping: AbortSignal;
  /** By room; when it was noted last that something did not go in clear. */
  readonly #refusalNoted = new Map<string, number>();

  /** @param stopping ends what is being tried. */
  constructor(userId: string, services: SenderServices, account: Pick<GhostAccount, "load">, stopping: AbortSignal) {
    this.#userId = userId;
    this.#services = services;
    this.#account = account;
    this.#stopping = stopping;
  }

  /**
   * Sends an event, once, however often it is called with the same step: encrypted where the room is, its final form
   * stored before the first try. Keeps trying while the server is away, until `signal` aborts. Returns the event's id.
   * Throws {@link ClearTextRefused}, {@link RoomRefused}.
   *
   * @param options.toAll whether all devices can read it, instead of those that the ghost trusts in the room.
   */
  async send(
    { roomId, type, content, step }: OutgoingEvent,
    { form, signal, toAll = false }: SendOptions & { readonly toAll?: boolean },
  ): Promise<string> {
    const { outbox, client, metrics } = this.#services;
    const txnId = transactionId(this.#userId, roomId, step);
    const { device, lease } = await this.#account.load();
    let stored = await outbox.find(this.#userId, txnId);
    if (stored?.eventId !== undefined) return stored.eventId;
    const actor = { userId: this.#userId, deviceId: device.deviceId };
    const echo =
      stored !== undefined && stored.ageMs > FORGOTTEN_AFTER_MS ? await this.#echo(actor, stored) : undefined;
    if (echo !== undefined) {
      await outbox.sent(lease, txnId, echo);
      return echo;
    }
    if (stored === undefined || (await this.#mustBeMadeAnew(stored, form))) {
      stored = {
        txnId,
        roomId,
        ...(await this.#outgoing({ roomId, type, content }, { form, toAll })),
        eventId: undefined,
        ageMs: 0,
      };
      await outbox.store(lease, stored);
      reached("send.stored");
    }
    const encrypted = stored.eventType === ENCRYPTED ? "yes" : "no";
    const eventId = await sendEvent(
      client,
      actor,
      { roomId, type: stored.eventType, txnId, content: stored.content },
      {
        retry: "transient",
        // In clear only for so long at a time: before it is tried again, the room is looked at again.
        retryForMs: stored.eventType === ENCRYPTED ? undefined : PLAIN_RETRY_MS,
        signal: signal === undefined ? this.#stopping : AbortSignal.any([signal, this.#stopping]),
      },
    ).catch((error: unknown) => {
      metrics?.sends.inc({ encrypted, outcome: "failed" });
      throw error;
    });
    metrics?.sends.inc({ encrypted, outcome: "sent" });
    reached("send.sent");
    await outbox.sent(lease, txnId, eventId);
    reached("send.marked");
    return eventId;
  }

  /** The room as it is now. Throws what the homeserver says when its state can't be read. */
  view(roomId: string): Promise<RoomView> {
    return viewAs(this.#services, this.#userId, roomId);
  }

  /** Reads a room and begins to follow its members' devices, so that the first answer finds both done. */
  async meet(roomId: string): Promise<void> {
    const view = await this.view(roomId);
    if (view.encryption === undefined) return;
    await this.#followDevices(roomId, await this.#services.rooms.recipients(roomId, view));
  }

  /** Asks for the devices of those of whom nothing was told. Throws HomeserverError, StaleLease. */
  async #followDevices(roomId: string, recipients: readonly string[]): Promise<void> {
    const { knownMembers } = this.#services;
    const { device, lease } = await this.#account.load();
    const { come, invited } = await knownMembers.unknown(this.#userId, roomId, recipients);
    if (invited.length > 0) await device.lists.refresh(invited);
    if (come.length > 0) await knownMembers.asked(lease, roomId, await device.lists.meet(come));
  }

  /** The event in the form in which it leaves. The room's state decides, freshly read; without it nothing leaves. */
  async #outgoing(
    { roomId, type, content }: Omit<OutgoingEvent, "step">,
    { form, toAll }: { readonly form: Form; readonly toAll: boolean },
  ): Promise<{ eventType: string; content: string }> {
    const target = await encryptionTarget(this.#services, this.#userId, roomId, { toAll });
    if (!mayTalkIn(this.#services.mode, target !== undefined)) throw new RoomRefused(this.#services.mode);
    if (target === undefined) {
      if (form === "encrypted") throw await this.#refuseClear(roomId);
      return { eventType: type, content: JSON.stringify(content) };
    }
    await this.#followDevices(roomId, target.recipients);
    const { device } = await this.#account.load();
    const ciphertext = await device.encrypt(target, type, content);
    reached("event.encrypted");
    return { eventType: ENCRYPTED, content: ciphertext };
  }

  /** The event's id when it reached the room after all, though we never heard so. */
  #echo(actor: Actor, stored: StoredSend): Promise<string | undefined> {
    const content: unknown = JSON.parse(stored.content);
    return findOwnEvent(
      this.#services.client,
      actor,
      { roomId: stored.roomId, maxAgeMs: stored.ageMs + CLOCK_LEEWAY_MS },
      (event) => event.type === stored.eventType && isDeepStrictEqual(event.content, content),
    );
  }

  /** Counts, logs and notes that something did not go in clear. */
  async #refuseClear(roomId: string): Promise<ClearTextRefused> {
    const { metrics, audit, database, log } = this.#services;
    const refused = new ClearTextRefused();
    metrics?.sends.inc({ encrypted: "no", outcome: "refused" });
    log.error({ ghost: this.#userId, room: roomId, error: refused }, "the agent refuses to send here unencrypted");
    const now = performance.now();
    if (now - (this.#refusalNoted.get(roomId) ?? -Infinity) > REFUSAL_NOTED_MS) {
      this.#refusalNoted.set(roomId, now);
      await audit.record(database, { kind: "clear_text.refused", ghost: this.#userId, room: roomId });
    }
    return refused;
  }

  /** Whether an event was stored in clear, not sent, and may not leave so: its room has become encrypted since. */
  async #mustBeMadeAnew(stored: StoredSend, form: Form): Promise<boolean> {
    if (stored.eventId !== undefined || stored.eventType === ENCRYPTED) return false;
    if (form === "encrypted") return true;
    return (await this.view(stored.roomId)).encryption !== undefined;
  }
}
