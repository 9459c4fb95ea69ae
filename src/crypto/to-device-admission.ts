import type { JsonObject } from "../matrix/json.ts";
import { serverOf } from "../matrix/server-name.ts";
import type { Logger } from "../observability/log.ts";
import { isUserId } from "./engine-ids.ts";
import { isVerification, transactionOf } from "./verification-events.ts";
import type { Flow } from "./verification-messages.ts";

/** The rules for the messages that are sent to a device. */
export interface AdmissionRules {
  /** Whether this user may verify the agent. */
  readonly mayVerify: (flow: Flow) => boolean;
  /** Chooses the well-formed messages that the engine is given; by default all. */
  readonly admit?: ((messages: readonly JsonObject[]) => Promise<readonly JsonObject[]>) | undefined;
  /** Called with the number of messages that were refused for their own faults, whatever `admit` says. */
  readonly onRefused?: ((count: number) => void) | undefined;
}

/** Decides which of the messages sent to a device its engine is given. */
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

  /** The admitted messages, in their order. Rejects with the error of `admit`. */
  async admitted(messages: readonly JsonObject[]): Promise<readonly JsonObject[]> {
    const { admit, onRefused } = this.#rules;
    const heard = messages.filter((message) => this.#mayBeHeard(message));
    const unheard = messages.length - heard.length;
    if (unheard > 0) {
      onRefused?.(unheard);
      this.#log.warn({ count: unheard }, "to-device messages refused: invalid sender, or verification by a stranger");
    }
    return admit === undefined || heard.length === 0 ? heard : admit(heard);
  }

  /**
   * Whether a to-device message may be handled. Its sender must have a valid user id. Every server may send these
   * messages, in any number. A user of another server who may not verify the agent is ignored, because their server
   * could invent endless users and answer slowly when asked for the keys of each.
   */
  #mayBeHeard({ type, sender, content }: JsonObject): boolean {
    if (!isUserId(sender)) return false;
    if (!isVerification(type) || serverOf(sender) === serverOf(this.#userId)) return true;
    return this.#rules.mayVerify({ userId: sender, flowId: transactionOf(content) ?? "", roomId: undefined });
  }
}
