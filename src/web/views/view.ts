import type { Html } from "../html.ts";
import type { WebParts } from "../parts.ts";
import type { Visit } from "../visit.ts";

/** A view: what it shows, and how. */
export interface View {
  /** The time between two looks while somebody has it open, in ms. */
  readonly everyMs: number;
  /** Reads what is shown, and draws it. Throws DatabaseError. */
  show(parts: WebParts, visit: Visit): Promise<Html>;
}

/** The time between two looks, in ms: at what changes while one watches, at what reads many rows, and at what asks other machines. */
export const EVERY = { moment: 2_000, while: 15_000, minute: 60_000 } as const;

/**
 * Makes a view of a part that reads and a part that draws, so that drawing can be tried with any data.
 *
 * @param read only reads.
 * @param draw is pure.
 */
export function defineView<Shown>(
  everyMs: (typeof EVERY)[keyof typeof EVERY],
  read: (parts: WebParts, visit: Visit) => Promise<Shown>,
  draw: (shown: Shown, visit: Visit) => Html,
): View {
  return { everyMs, show: async (parts, visit) => draw(await read(parts, visit), visit) };
}
