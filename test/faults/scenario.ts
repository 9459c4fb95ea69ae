import type { Tally } from "./ledger.ts";

/** What a scenario is run with. */
export interface ScenarioOptions {
  /** How often the bridge is killed at random. */
  readonly kills: number;
  /** Between 0 and 1, always the same for the same seed. */
  readonly random: () => number;
  /** Tells how it goes on. */
  readonly progress: (line: string) => void;
}

/** Something that goes wrong, and what must come of it. */
export interface Scenario {
  readonly name: string;
  /** Whether a notice in place of an answer is right here. */
  readonly noticesAllowed?: boolean;
  /** Throws {@link NotHere} where this machine can't do it, and anything else when it failed. */
  run(options: ScenarioOptions): Promise<Tally>;
}

/** This machine can't do what the scenario needs; said in the table rather than passed over. */
export class NotHere extends Error {
  override readonly name = "NotHere";
}
