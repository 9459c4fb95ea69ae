import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";

/** The machine of the measurement. */
export interface Machine {
  readonly processors: number;
  readonly model: string;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** The load of the last minute when the run began: other work lengthens times, and processor time a little. */
  readonly load: number;
}

/** This machine, now. */
export function thisMachine(): Machine {
  return {
    processors: availableParallelism(),
    model: cpus()[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release().split(".", 2).join(".")}`,
    node: process.version,
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
  };
}
