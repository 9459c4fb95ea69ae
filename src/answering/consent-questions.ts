import type { Agent } from "../agents/agents.ts";
import type { Words } from "../language/words.ts";
import { targetOf as consentTarget } from "../privacy/consents.ts";
import type { Destination, PrivacyGate } from "../privacy/gate.ts";
import type { ConsentTurns } from "../turns/consent-turns.ts";
import type { FailedReply, Turn } from "../turns/turn.ts";
import type { FailureNotices } from "./failure-notices.ts";
import type { ReplyTargets } from "./reply-targets.ts";

/** A question that may not go to a provider now, and the destination that it would have. */
export interface Withheld {
  readonly destination: Destination;
  /** The words before a command that address this agent. */
  readonly call: string;
  readonly encrypted: boolean;
}

/** Names the reason why nothing is sent to a provider, or asks the room for consent. */
export class ConsentQuestions {
  readonly #turns: Pick<ConsentTurns, "withoutConsent">;
  readonly #privacy: Pick<PrivacyGate, "ruleIn">;
  readonly #isEncrypted: (roomId: string) => Promise<boolean>;
  readonly #agentOf: (ghost: string) => Agent | undefined;
  readonly #targets: ReplyTargets;
  readonly #notices: FailureNotices;

  constructor(options: {
    readonly turns: Pick<ConsentTurns, "withoutConsent">;
    readonly privacy: Pick<PrivacyGate, "ruleIn">;
    readonly isEncrypted: (roomId: string) => Promise<boolean>;
    readonly agentOf: (ghost: string) => Agent | undefined;
    readonly targets: ReplyTargets;
    readonly notices: FailureNotices;
  }) {
    this.#turns = options.turns;
    this.#privacy = options.privacy;
    this.#isEncrypted = options.isEncrypted;
    this.#agentOf = options.agentOf;
    this.#targets = options.targets;
    this.#notices = options.notices;
  }

  /** The reply in place of an answer. */
  async replyTo(
    turn: Turn,
    { destination, call, encrypted }: Withheld,
    why: "ask" | "declined" | "denied",
    { consent }: Words,
  ): Promise<FailedReply> {
    const named = { agent: this.#agentOf(turn.ghost)?.displayName ?? turn.ghost, ...destination, call };
    const target = await this.#targets.of(turn);
    if (why === "declined") return this.#notices.declined(turn, "cloud_declined", consent.declined(named), target);
    if (why === "denied") {
      const rule = await this.#privacy.ruleIn({ roomId: turn.roomId, encrypted });
      return this.#notices.declined(turn, "cloud_denied", consent.denied(named, rule), target);
    }
    const toWhom = consentTarget(destination.provider, destination.host);
    const waiting = await this.#turns.withoutConsent(turn.ghost, turn.roomId);
    const isAsked = waiting.some((other) => other.target === toWhom);
    const isEncrypted = encrypted || (await this.#isEncrypted(turn.roomId));
    const question = isAsked ? consent.pending(named, isEncrypted) : consent.ask(named, isEncrypted);
    return { ...this.#notices.declined(turn, "needs_consent", question, target), consentTarget: toWhom };
  }
}
