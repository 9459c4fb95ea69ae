import type { Machine } from "./machine.ts";
import type { Measured } from "./measured.ts";

/** A run of the bench, as results.json has it. */
export interface Results {
  readonly machine: Machine;
  readonly measured: Measured;
}
