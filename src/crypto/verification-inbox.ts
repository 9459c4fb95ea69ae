import type { JsonObject } from "../matrix/json.ts";
import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Serial } from "../concurrency/serial.ts";
import type { DeviceLists } from "./device-lists.ts";
import { isUserId } from "./engine-ids.ts";
import type { Outgoing } from "./outgoing.ts";
import {
  flowIn,
  isStep,
  isVerification,
  transactionOf,
  VERIFICATION_DONE,
  VERIFICATION_START,
} from "./verification-events.ts";
import type { VerificationForm, VerificationMessages } from "./verification-messages.ts";
import type { Verifications } from "./verifications.ts";

/** A decrypted event of a verification. */
export interface VerificationEvent {
  readonly event_id: string;
  readonly room_id: string;
  readonly sender: string;
  readonly type: string;
  readonly origin_server_ts: number;
  readonly content: Readonly<Record<string, unknown>>;
}

/** Receives the messages of verifications, in rooms and by to-device messages. */
export class VerificationInbox {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #lists: Pick<DeviceLists, "track">;
  readonly #outgoing: Pick<Outgoing, "drain">;
  readonly #verifications: Verifications;
  readonly #messages: Pick<VerificationMessages, "heard">;

  constructor(options: {
    readonly machine: engine.OlmMachine;
    readonly calls: Serial;
    readonly lists: Pick<DeviceLists, "track">;
    readonly outgoing: Pick<Outgoing, "drain">;
    readonly verifications: Verifications;
    readonly messages: Pick<VerificationMessages, "heard">;
  }) {
    this.#machine = options.machine;
    this.#calls = options.calls;
    this.#lists = options.lists;
    this.#outgoing = options.outgoing;
    this.#verifications = options.verifications;
    this.#messages = options.messages;
  }

  /**
   * Takes a decrypted event of a verification in a room. Throws the error of the server or the store.
   *
   * @param form the form in which the event came, and in which it is answered.
   */
  async receive(event: VerificationEvent, form: VerificationForm): Promise<void> {
    if (!isUserId(event.sender)) return;
    const related = flowIn(event.content);
    // Later events relate to the request.
    this.#messages.heard(related ?? event.event_id, form);
    // The engine silently ignores senders whose keys it has never asked for.
    await this.#lists.track([event.sender]);
    const flow = { userId: event.sender, flowId: related ?? "", roomId: event.room_id };
    const give = (): Promise<void> =>
      this.#calls.run(() =>
        this.#machine.receiveVerificationEvent(JSON.stringify(event), new engine.RoomId(event.room_id)),
      );
    if (event.type === VERIFICATION_DONE) await this.#giveEnd(flow, give);
    else await give();
    this.#verifications.heardOf(event.sender);
    if (isStep(event.type)) this.#verifications.heardStep(flow);
    await this.#outgoing.drain();
    await this.#verifications.advance();
  }

  /** Notes a to-device message that the engine was given. */
  heardToDevice({ type, sender, content }: Readonly<Record<"type" | "sender" | "content", unknown>>): void {
    if (!isVerification(type) || typeof sender !== "string") return;
    const flowId = transactionOf(content);
    this.#verifications.heardOf(sender, type === VERIFICATION_START ? flowId : undefined);
    if (isStep(type) && flowId !== undefined) {
      this.#verifications.heardStep({ userId: sender, flowId, roomId: undefined });
    }
  }

  /** Gives the engine the to-device message that ends a verification, at once or after the operator's decision. */
  async giveToDeviceEnd(message: JsonObject): Promise<void> {
    const { sender, content } = message;
    const flow = { userId: typeof sender === "string" ? sender : "", flowId: transactionOf(content) ?? "" };
    await this.#giveEnd(flow, async () => {
      // An earlier call has already given the engine the server's counts and lists.
      await this.#calls.run(() =>
        this.#machine.receiveSyncChangesMsc4186(JSON.stringify([message]), new engine.DeviceLists(), new Map()),
      );
      if (typeof sender === "string") this.#verifications.heardOf(sender);
    });
  }

  async #giveEnd(flow: { readonly userId: string; readonly flowId: string }, give: () => Promise<void>): Promise<void> {
    if (!(await this.#verifications.waitsForUs(flow, give))) await give();
  }
}
