import type { Tally } from "./ledger.ts";

/** The surroundings of a scenario. */
export interface ScenarioOptions {
  /** The number of random kills of the bridge. */
  readonly kills: number;
  /** Between 0 and 1, always the same for the same seed. */
  readonly random: () => number;
  /** Reports the progress. */
  readonly progress: (line: string) => void;
}

/** A fault, and its required result. */
export interface Scenario {
  readonly name: string;
  /** Whether a notice in place of an answer is right here. */
  readonly noticesAllowed?: boolean;
  /** Throws {@link NotHere} where this machine can't do it, and anything else when it failed. */
  run(options: ScenarioOptions): Promise<Tally>;
}

/** This machine can't run the scenario; the table says so instead of leaving it out. */
export class NotHere extends Error {
  override readonly name = "NotHere";
}
