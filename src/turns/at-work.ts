/** How many turns are at work in one process at once. Each holds its prompt with its files, and an answer that grows. */
export interface AtWork {
  readonly all: number;
  readonly ofGhost: number;
  /** Of one person with all agents together: whoever asks in many rooms waits alone. */
  readonly ofAsker: number;
}

/** The others wait in the database, where they hold nothing. A provider asks for fewer at once (`max_concurrent`). */
export const AT_WORK: AtWork = { all: 100, ofGhost: 50, ofAsker: 20 };
