import type { JsonObject } from "../matrix/json.ts";
import { serverOf } from "../matrix/server-name.ts";
import type { Logger } from "../observability/log.ts";
import { isUserId } from "./engine-ids.ts";
import { isVerification, transactionOf } from "./verification-events.ts";
import type { Flow } from "./verification-messages.ts";

/** Who decides about the messages that were sent to a device. */
export interface AdmissionRules {
  /** Who may verify the agent. */
  readonly mayVerify: (flow: Flow) => boolean;
  /** Which of the messages that are well formed the engine is to be given; by default all. */
  readonly admit?: ((messages: readonly JsonObject[]) => Promise<readonly JsonObject[]>) | undefined;
  /** Is told how many messages were not looked at because of what they are, whatever `admit` says. */
  readonly onRefused?: ((count: number) => void) | undefined;
}

/** Decides which of the messages that were sent to a device its engine is given. */
export class ToDeviceAdmission {
  readonly #userId: string;
  readonly #rules: AdmissionRules;
  readonly #log: Logger;

  /** @param userId the device's owner. */
  constructor(userId: string, rules: AdmissionRules, log: Logger) {
    this.#userId = userId;
    this.#rules = rules;
    this.#log = log;
  }

  /** Those that are taken, in their order. Rejects with what `admit` rejects with. */
  async admitted(messages: readonly JsonObject[]): Promise<readonly JsonObject[]> {
    const { admit, onRefused } = this.#rules;
    const heard = messages.filter((message) => this.#mayBeHeard(message));
    const unheard = messages.length - heard.length;
    if (unheard > 0) {
      onRefused?.(unheard);
      this.#log.warn({ count: unheard }, "to-device messages refused: nobody's, or verifications of strangers");
    }
    return admit === undefined || heard.length === 0 ? heard : admit(heard);
  }

  /**
   * Whether a to-device message is looked at: one is not where its sender has no user id. Every server may send them, in any
   * number. Somebody of another server who may not verify the agent is not answered, because their server could make up people
   * without end and answer slowly when it is asked for the keys of each.
   */
  #mayBeHeard({ type, sender, content }: JsonObject): boolean {
    if (!isUserId(sender)) return false;
    if (!isVerification(type) || serverOf(sender) === serverOf(this.#userId)) return true;
    return this.#rules.mayVerify({ userId: sender, flowId: transactionOf(content) ?? "", roomId: undefined });
  }
}
