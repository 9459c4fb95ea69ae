import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Serial } from "../concurrency/serial.ts";
import type { DeviceSync } from "../homeserver/device-calls.ts";
import type { Logger } from "../observability/log.ts";
import type { DeviceLists } from "./device-lists.ts";
import { userIds as engineIds } from "./engine-ids.ts";
import { isKeyBundle } from "./shared-history.ts";
import type { ToDeviceAttempts } from "./to-device-attempts.ts";
import { VERIFICATION_DONE, VERIFICATION_REQUEST, VERIFICATION_START } from "./verification-events.ts";
import type { VerificationInbox } from "./verification-inbox.ts";

const { UnableToDecrypt, Invalid } = engine.ProcessedToDeviceEventType;

/** Bounds the log: anybody can send rubbish from any number of users. */
const MAX_SENDERS_LOGGED = 10;

/** Gives the engine the answer of a `/sync`: to-device messages, changed device lists and key counts. */
export class ToDeviceReceiver {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #attempts: ToDeviceAttempts;
  readonly #lists: Pick<DeviceLists, "track">;
  readonly #verifications: VerificationInbox;
  readonly #heardOfKeyBundle: () => void;
  readonly #log: Logger;

  /** @param options.heardOfKeyBundle called when somebody has announced the keys of a room's history. */
  constructor(options: {
    readonly machine: engine.OlmMachine;
    readonly calls: Serial;
    readonly attempts: ToDeviceAttempts;
    readonly lists: Pick<DeviceLists, "track">;
    readonly verifications: VerificationInbox;
    readonly heardOfKeyBundle: () => void;
    readonly log: Logger;
  }) {
    this.#machine = options.machine;
    this.#calls = options.calls;
    this.#attempts = options.attempts;
    this.#lists = options.lists;
    this.#verifications = options.verifications;
    this.#heardOfKeyBundle = options.heardOfKeyBundle;
    this.#log = options.log;
  }

  /** Gives the engine the whole answer. After a batch that ended the process it does so message by message. */
  async receive(answer: DeviceSync): Promise<void> {
    const { toDevice } = answer;
    if (toDevice.length === 0 || !(await this.#attempts.begin())) return this.#give(answer, toDevice);
    await this.#give(answer, []);
    for (const message of toDevice) {
      if (!(await this.#attempts.mayTry(message))) continue;
      await this.#give(answer, [message]);
      await this.#attempts.passed(message);
    }
  }

  async #give(answer: DeviceSync, messages: DeviceSync["toDevice"]): Promise<void> {
    const isEnd = ({ type }: DeviceSync["toDevice"][number]): boolean => type === VERIFICATION_DONE;
    await this.#giveTogether(
      answer,
      messages.filter((message) => !isEnd(message)),
    );
    // The ends come last, after the messages of their verifications.
    for (const end of messages.filter(isEnd)) await this.#verifications.giveToDeviceEnd(end);
  }

  async #giveTogether(answer: DeviceSync, messages: DeviceSync["toDevice"]): Promise<void> {
    const strangers = messages.flatMap(({ type, sender }) =>
      (type === VERIFICATION_REQUEST || type === VERIFICATION_START) && typeof sender === "string" ? [sender] : [],
    );
    // The engine silently ignores senders whose keys it has never asked for.
    if (strangers.length > 0) await this.#lists.track(strangers);
    const received = await this.#calls.run(() =>
      this.#machine.receiveSyncChanges(
        JSON.stringify(messages),
        new engine.DeviceLists(engineIds(answer.changedUsers), engineIds(answer.leftUsers)),
        new Map(Object.entries(answer.keyCounts)),
        answer.unusedFallbackKeys && new Set(answer.unusedFallbackKeys),
      ),
    );
    const refused: unknown[] = [];
    for (const { rawEvent, type: kind } of received) {
      const message = JSON.parse(rawEvent) as Record<"type" | "sender" | "content", unknown>;
      this.#verifications.heardToDevice(message);
      if (isKeyBundle(message.type)) this.#heardOfKeyBundle();
      if (kind === UnableToDecrypt || kind === Invalid) refused.push(message.sender);
    }
    if (refused.length === 0) return;
    const senders = [...new Set(refused)].slice(0, MAX_SENDERS_LOGGED);
    this.#log.warn({ count: refused.length, senders }, "to-device messages refused: forged, broken or too late");
  }
}
