import { randomUUID } from "node:crypto";
import type * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { EncryptionTarget } from "./encryption-target.ts";
import { DeviceUnsigned, VerifiedIdentityChanged, type RoomEncryptor } from "./room-encryptor.ts";
import type { Outgoing } from "./outgoing.ts";
import type { DeviceTransport } from "./transport.ts";
import { flowIn, VERIFICATION_CANCEL } from "./verification-events.ts";

/** A verification that a user asked for. */
export interface Flow {
  readonly flowId: string;
  readonly userId: string;
  /** Undefined when it uses to-device messages. */
  readonly roomId: string | undefined;
}

/**
 * The form of a verification's events in its room. Clients differ: matrix-js-sdk sends them unencrypted even in
 * encrypted rooms; nheko and clients on the Rust SDK encrypt them, and nheko sees no others there. `encrypted to all`
 * is for a user whose device is not trusted (yet) and who could read nothing else.
 */
export type VerificationForm = "clear" | "encrypted" | "encrypted to all";

/**
 * The recipients of an encrypted event in a room, as it is now; undefined where the room is not encrypted. Rejects when
 * that can't be told.
 */
export type TargetIn = (roomId: string, options: { readonly toAll: boolean }) => Promise<EncryptionTarget | undefined>;

/** The most flows that are remembered: a flow may never end. A forgotten one gets the encrypted form. */
const MAX_FLOWS = 200;

/** The fields of an engine's message that sending needs. */
type RoomMessage = Pick<engine.RoomMessageRequest, "room_id" | "event_type" | "txn_id" | "body">;

/** Sends the events of verifications in rooms, each in the form in which the other side started it. */
export class VerificationMessages {
  readonly #encryptor: RoomEncryptor;
  readonly #transport: DeviceTransport;
  readonly #outgoing: Pick<Outgoing, "sendToDevices">;
  readonly #targetIn: TargetIn;
  readonly #forms = new Map<string, VerificationForm>();

  constructor(options: {
    readonly encryptor: RoomEncryptor;
    readonly transport: DeviceTransport;
    readonly outgoing: Pick<Outgoing, "sendToDevices">;
    readonly targetIn: TargetIn;
  }) {
    this.#encryptor = options.encryptor;
    this.#transport = options.transport;
    this.#outgoing = options.outgoing;
    this.#targetIn = options.targetIn;
  }

  /** Notes the form of an event. A user who has encrypted once never gets an unencrypted answer again. */
  heard(flowId: string, form: VerificationForm): void {
    const before = this.#forms.get(flowId);
    if (before !== undefined && (before !== "clear" || form === "clear")) return;
    this.#forms.set(flowId, form);
    const [oldest] = this.#forms.keys();
    if (this.#forms.size > MAX_FLOWS && oldest !== undefined) this.#forms.delete(oldest);
  }

  /** The form of a flow's events, if known. */
  formOf(flowId: string): VerificationForm | undefined {
    return this.#forms.get(flowId);
  }

  /**
   * Tells the user who started a flow that it failed, because the engine does not know it (any more). Rejects when that
   * can't be encrypted or sent.
   */
  async cancelUnknown({ flowId, userId, roomId }: Flow): Promise<void> {
    const end = { code: "m.unknown_transaction", reason: "This verification was cut off. Please start it again." };
    // It goes to all devices: those that did not start the flow ignore it.
    if (roomId === undefined) {
      return this.#outgoing.sendToDevices(VERIFICATION_CANCEL, [userId], { ...end, transaction_id: flowId });
    }
    const content = { ...end, "m.relates_to": { rel_type: "m.reference", event_id: flowId } };
    await this.send({
      room_id: roomId,
      event_type: VERIFICATION_CANCEL,
      txn_id: randomUUID(),
      body: JSON.stringify(content),
    });
  }

  /** Sends an event of the engine; returns the server's answer. Rejects when it can't be encrypted or sent. */
  async send({ room_id: roomId, event_type: type, txn_id: txnId, body }: RoomMessage): Promise<string> {
    const form = this.#forms.get(flowOf(body) ?? "") ?? "encrypted";
    const target = form === "clear" ? undefined : await this.#targetIn(roomId, { toAll: form === "encrypted to all" });
    if (target === undefined) return this.#transport.sendRoomMessage(roomId, type, txnId, body);
    const content = JSON.parse(body) as object;
    const encrypted = await this.#encryptor.encrypt(target, type, content).catch(async (error: unknown) => {
      // This verification is often the very thing that ends the distrust.
      const isDistrust = error instanceof VerifiedIdentityChanged || error instanceof DeviceUnsigned;
      const all = isDistrust ? await this.#targetIn(roomId, { toAll: true }) : undefined;
      if (all === undefined) throw error;
      return this.#encryptor.encrypt(all, type, content);
    });
    return this.#transport.sendRoomMessage(roomId, "m.room.encrypted", txnId, encrypted);
  }
}

function flowOf(body: string): string | undefined {
  return flowIn(JSON.parse(body) as Record<string, unknown>);
}
