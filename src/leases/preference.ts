import { createHash } from "node:crypto";

/**
 * The process that a free ghost should go to (rendezvous hashing). Processes with the same list agree on it without
 * messages; each gets about as many ghosts; and when a process comes or goes, only its own ghosts move. This balances
 * the load; the lease is what keeps two processes from one ghost. Undefined when there are no processes.
 */
export function preferredProcess(ghost: string, processes: readonly number[]): number | undefined {
  let best: { process: number; weight: string } | undefined;
  for (const process of processes) {
    const weight = createHash("sha256").update(`${process} ${ghost}`).digest("hex");
    if (best === undefined || weight > best.weight) best = { process, weight };
  }
  return best?.process;
}
