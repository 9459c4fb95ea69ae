/** The most turns at work in one process. Each holds its prompt with its files, and a growing answer. */
export interface AtWork {
  readonly all: number;
  readonly ofGhost: number;
  /** The turns of one person with all agents: a person who asks in many rooms waits alone. */
  readonly ofAsker: number;
}

/**
 * Further turns wait in the database, where they hold no memory. Each provider has a lower limit (`max_concurrent`).
 */
export const AT_WORK: AtWork = { all: 100, ofGhost: 50, ofAsker: 20 };
