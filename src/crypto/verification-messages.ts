import { randomUUID } from "node:crypto";
import type * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import {
  DeviceUnsigned,
  VerifiedIdentityChanged,
  type EncryptionTarget,
  type RoomEncryptor,
} from "./room-encryptor.ts";
import type { Outgoing } from "./outgoing.ts";
import type { DeviceTransport } from "./transport.ts";
import { flowIn, VERIFICATION_CANCEL } from "./verification-events.ts";

/** A verification that somebody asked for. */
export interface Flow {
  readonly flowId: string;
  readonly userId: string;
  /** Undefined when it goes by to-device messages. */
  readonly roomId: string | undefined;
}

/**
 * How the events of a verification leave for its room. Clients differ: matrix-js-sdk sends its own in clear in encrypted
 * rooms too, nheko and clients on the Rust SDK encrypt them, and nheko sees no others there. `encrypted to all` is for
 * somebody whose device is not trusted (yet), and who could read nothing else.
 */
export type VerificationForm = "clear" | "encrypted" | "encrypted to all";

/**
 * For whom an event is encrypted in a room as it is now; undefined where the room is not encrypted. Rejects when that
 * can't be told.
 */
export type TargetIn = (roomId: string, options: { readonly toAll: boolean }) => Promise<EncryptionTarget | undefined>;

/** Flows begin anywhere and need not end: so many are remembered. Those before get the form that is encrypted. */
const MAX_FLOWS = 200;

/** What of an event of the engine is needed to send it. */
type RoomMessage = Pick<engine.RoomMessageRequest, "room_id" | "event_type" | "txn_id" | "body">;

/** Sends the events of verifications that go on in rooms: each in the form in which the other side began it. */
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

  /** An event of a verification came in this form. Who has encrypted once is not answered in clear any more. */
  heard(flowId: string, form: VerificationForm): void {
    const before = this.#forms.get(flowId);
    if (before !== undefined && (before !== "clear" || form === "clear")) return;
    this.#forms.set(flowId, form);
    const [oldest] = this.#forms.keys();
    if (this.#forms.size > MAX_FLOWS && oldest !== undefined) this.#forms.delete(oldest);
  }

  /** How the events of a flow come, as far as is known. */
  formOf(flowId: string): VerificationForm | undefined {
    return this.#forms.get(flowId);
  }

  /**
   * Tells who began a flow that it has come to nothing: the engine does not know it (any more). Rejects when that can't be
   * encrypted or sent.
   */
  async cancelUnknown({ flowId, userId, roomId }: Flow): Promise<void> {
    const end = { code: "m.unknown_transaction", reason: "This verification was cut off. Please start it again." };
    // Which of the devices began it need not be known: the others know no such flow.
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
      // What keeps an agent from talking is often mended by the very verification.
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
