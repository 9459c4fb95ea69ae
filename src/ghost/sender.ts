import { isDeepStrictEqual } from "node:util";
import { findOwnEvent } from "../homeserver/find-own-event.ts";
import { retrying } from "../homeserver/retry.ts";
import { sendEvent } from "../homeserver/room-calls.ts";
import type { EncryptionMode } from "../config/config.ts";
import { mayTalkIn } from "../permissions/encryption-mode.ts";
import type { RoomView } from "../rooms/room-view.ts";
import type { GhostAccess } from "./device/device-access.ts";
import { deviceOf } from "./loaded-ghost.ts";
import { encryptionTarget, keyHolders, viewAs, viewAsWith } from "./encryption-target.ts";
import type { GhostAccount } from "./ghost-account.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { Lease } from "../leases/leases.ts";
import type { Form, SendOptions, SentEvent } from "./form.ts";
import { unmet, type SeenMember } from "./known-members.ts";
import { transactionId, type StoredSend } from "./outbox.ts";
import { reached } from "../observability/steps.ts";

const ENCRYPTED = "m.room.encrypted";

/** The time for which an unencrypted event is tried before its room is read again, in ms. */
const PLAIN_RETRY_MS = 15_000;

/**
 * Synapse remembers transaction ids for 24 hours and cleans up from time to time. An event stored longer ago is
 * searched in the room before it is sent again.
 */
const FORGOTTEN_AFTER_MS = 20 * 3_600_000;

/** The most by which the clocks of homeserver and database may differ. */
const CLOCK_LEEWAY_MS = 3_600_000;

/** A ghost's event, and the step that it belongs to. */
export interface OutgoingEvent {
  readonly roomId: string;
  readonly type: string;
  readonly content: object;
  /** The same for each attempt at the same thing. */
  readonly step: string;
}

/** Agents do not talk in rooms of this kind (`encryption.mode`). */
class RoomRefused extends Error {
  override readonly name = "RoomRefused";

  constructor(mode: EncryptionMode) {
    super(`agents do not talk in rooms of this kind (encryption.mode: ${mode})`);
  }
}

/**
 * A message made from encrypted ones would have been sent unencrypted, because the server says that the room is not
 * encrypted.
 */
export class ClearTextRefused extends Error {
  override readonly name = "ClearTextRefused";

  constructor() {
    super("what came encrypted is not said in clear, and the room counts as not encrypted");
  }
}

/** The interval in which the audit log records such a refusal for a room, in ms. */
const REFUSAL_NOTED_MS = 3_600_000;

/** The shared services that sending needs. */
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

/** Sends a ghost's events: in the form that the room's state asks for, and each event once. */
export class Sender {
  readonly #userId: string;
  readonly #services: SenderServices;
  readonly #account: Pick<GhostAccount, "load">;
  readonly #stopping: AbortSignal;
  /** By room: the time of the last recorded refusal to send unencrypted. */
  readonly #refusalNoted = new Map<string, number>();

  /** @param stopping ends running attempts. */
  constructor(userId: string, services: SenderServices, account: Pick<GhostAccount, "load">, stopping: AbortSignal) {
    this.#userId = userId;
    this.#services = services;
    this.#account = account;
    this.#stopping = stopping;
  }

  /**
   * Sends an event, once for the same step: encrypted where the room is, with its final form stored before the first
   * attempt. Retries while the server is away, until `signal` aborts. Returns the event's id. Throws {@link
   * ClearTextRefused}, {@link RoomRefused}, NoDevice.
   *
   * @param options.toAll whether all devices can read it, instead of only those that the ghost trusts in the room.
   */
  async send(event: OutgoingEvent, options: SendOptions & { readonly toAll?: boolean }): Promise<string> {
    const { eventId, unmarked } = await this.#send(event, options);
    if (unmarked === undefined) return eventId;
    await this.#services.outbox.sent(unmarked.lease, unmarked.txnId, eventId);
    reached("send.marked");
    return eventId;
  }

  /** The same, and the caller records that the event was sent. */
  async sendUnmarked(event: OutgoingEvent, options: SendOptions): Promise<SentEvent> {
    const { eventId, unmarked } = await this.#send(event, options);
    if (unmarked === undefined) return { eventId, mark: undefined };
    const { lease, txnId } = unmarked;
    return { eventId, mark: (tx) => this.#services.outbox.mark(tx, lease, txnId, eventId) };
  }

  async #send(
    { roomId, type, content, step }: OutgoingEvent,
    { form, signal, isFirst = false, beside, toAll = false }: SendOptions & { readonly toAll?: boolean },
  ): Promise<{ readonly eventId: string; readonly unmarked?: { readonly lease: Lease; readonly txnId: string } }> {
    const { outbox, metrics } = this.#services;
    const txnId = transactionId(this.#userId, roomId, step);
    const { device, access, lease } = await this.#account.load();
    let stored = isFirst ? undefined : await outbox.find(this.#userId, txnId);
    if (stored?.eventId !== undefined) return { eventId: stored.eventId };
    const rememberedForMs = device === undefined ? 0 : FORGOTTEN_AFTER_MS;
    const echo = stored !== undefined && stored.ageMs > rememberedForMs ? await this.#echo(access, stored) : undefined;
    if (echo !== undefined) {
      await outbox.sent(lease, txnId, echo);
      return { eventId: echo };
    }
    if (stored === undefined || (await this.#mustBeMadeAnew(stored, form))) {
      stored = {
        txnId,
        roomId,
        ...(await this.#outgoing({ roomId, type, content }, { form, toAll })),
        eventId: undefined,
        ageMs: 0,
      };
      await outbox.store(lease, stored, beside);
      reached("send.stored");
    }
    const encrypted = stored.eventType === ENCRYPTED ? "yes" : "no";
    const until = signal === undefined ? this.#stopping : AbortSignal.any([signal, this.#stopping]);
    const sending =
      device === undefined ? this.#sendSearching(access, stored, until) : this.#sendAs(access, stored, until);
    const eventId = await sending.catch((error: unknown) => {
      metrics?.sends.inc({ encrypted, outcome: "failed" });
      throw error;
    });
    metrics?.sends.inc({ encrypted, outcome: "sent" });
    reached("send.sent");
    return { eventId, unmarked: { lease, txnId } };
  }

  /** Sends as a device, by which the server recognises a repeat. */
  #sendAs(
    access: GhostAccess,
    { roomId, eventType: type, txnId, content }: StoredSend,
    signal: AbortSignal,
  ): Promise<string> {
    // An unencrypted event is tried only for a short time; then the room is read again.
    const retryForMs = type === ENCRYPTED ? undefined : PLAIN_RETRY_MS;
    const options = { retry: "transient", retryForMs, signal } as const;
    return access.call((as) => sendEvent(this.#services.client, as, { roomId, type, txnId, content }, options));
  }

  /** Sends without a device: a server that restarts forgets the transaction id, so the room is searched before a repeat. */
  #sendSearching(access: GhostAccess, stored: StoredSend, signal: AbortSignal): Promise<string> {
    const { roomId, eventType: type, txnId, content } = stored;
    let isRepeat = false;
    const attempt = async (): Promise<string> => {
      const arrived = isRepeat ? await this.#echo(access, stored) : undefined;
      isRepeat = true;
      return (
        arrived ??
        access.call((as) => sendEvent(this.#services.client, as, { roomId, type, txnId, content }, { signal }))
      );
    };
    return retrying(attempt, {
      signal,
      deadline: performance.now() + PLAIN_RETRY_MS,
      onRetry: (error, waitMs, attempts) =>
        this.#services.log.warn({ error, waitMs, attempts, ghost: this.#userId }, "call is repeated"),
    });
  }

  /** The room's present state. Throws the homeserver's error when the state can't be read. */
  view(roomId: string): Promise<RoomView> {
    return viewAs(this.#services, this.#userId, roomId);
  }

  /** The same with what `read` finds in the stored state, in one round trip where the room has not changed. */
  viewWith<T>(roomId: string, read: () => Promise<T>): Promise<{ readonly view: RoomView; readonly found: T }> {
    return viewAsWith(this.#services, this.#userId, roomId, read);
  }

  /** Reads a room and starts to follow its members' devices, so that the first answer finds both done. */
  async meet(roomId: string): Promise<void> {
    const { view, members } = await keyHolders(this.#services, this.#userId, roomId);
    if (view.encryption === undefined || (await this.#account.load()).device === undefined) return;
    await this.#followDevices(roomId, members);
  }

  /**
   * Queries the devices of members about whom nothing was reported. Returns whether there were any about whom something will
   * be from now on. Throws HomeserverError, StaleLease.
   */
  async #followDevices(roomId: string, members: readonly SeenMember[]): Promise<boolean> {
    const { knownMembers } = this.#services;
    const loaded = await this.#account.load();
    const { lease } = loaded;
    const device = deviceOf(loaded);
    const { come, invited } = unmet(this.#userId, members);
    if (invited.length > 0) await device.lists.refresh(invited);
    if (come.length > 0) await knownMembers.asked(lease, roomId, await device.lists.meet(come));
    return come.length > 0;
  }

  /** The event in its final form. The freshly read state of the room decides; without it nothing is sent. */
  async #outgoing(
    { roomId, type, content }: Omit<OutgoingEvent, "step">,
    { form, toAll }: { readonly form: Form; readonly toAll: boolean },
  ): Promise<{ eventType: string; content: string }> {
    // What may leave only encrypted goes to an encrypted room: the last look at devices begins with the look at the room.
    const looked = form === "encrypted" ? (await this.#account.load()).device : undefined;
    const caughtUp = looked?.catchUp();
    // Its failure is told where it is waited for.
    caughtUp?.catch(() => undefined);
    const to = await encryptionTarget(this.#services, this.#userId, roomId, { toAll });
    const inClear = { eventType: type, content: JSON.stringify(content) };
    if (form === "without a device" && (await this.#account.load()).device === undefined) return inClear;
    if (!mayTalkIn(this.#services.mode, to !== undefined)) throw new RoomRefused(this.#services.mode);
    if (to === undefined) {
      if (form === "encrypted") throw await this.#refuseClear(roomId);
      return inClear;
    }
    const hasMet = await this.#followDevices(roomId, to.members);
    const device = deviceOf(await this.#account.load());
    // Of people who were met after it, the look says nothing.
    const isEnough = !hasMet && device === looked;
    const ciphertext = await device.encrypt(to.target, type, content, isEnough ? caughtUp : undefined);
    reached("event.encrypted");
    return { eventType: ENCRYPTED, content: ciphertext };
  }

  /** The event's id when it reached the room without our knowledge. */
  #echo(access: GhostAccess, stored: StoredSend): Promise<string | undefined> {
    const content: unknown = JSON.parse(stored.content);
    const where = { roomId: stored.roomId, maxAgeMs: stored.ageMs + CLOCK_LEEWAY_MS };
    return access.call((as) =>
      findOwnEvent(
        this.#services.client,
        as,
        where,
        (event) => event.type === stored.eventType && isDeepStrictEqual(event.content, content),
      ),
    );
  }

  /** Counts, logs and records a refusal to send unencrypted. */
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

  /** Whether an unsent event was stored unencrypted and may not be sent so: its room has become encrypted since. */
  async #mustBeMadeAnew(stored: StoredSend, form: Form): Promise<boolean> {
    if (stored.eventId !== undefined || stored.eventType === ENCRYPTED) return false;
    if (form === "encrypted") return true;
    return (await this.view(stored.roomId)).encryption !== undefined;
  }
}
