/** The settings for agents that ask each other. */
export interface ExchangeSettings {
  /** Whether they may do so unasked. */
  readonly delegate: boolean;
  /** The most agents through which a question may be passed on. */
  readonly maxHops: number;
  /** The most turns of all agents that one message of a person may cause. */
  readonly maxTurns: number;
}
