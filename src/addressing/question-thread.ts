import type { GhostMessage } from "../ghost/received.ts";
import type { RoomDefaults } from "../rooms/settings.ts";

/** The thread of a question and its answer: the question's own thread, or a new one where the room wants that. */
export function threadOfQuestion(
  { direct, eventId, settings }: Pick<GhostMessage, "direct" | "eventId" | "settings">,
  saidIn: string | undefined,
  defaults: Pick<RoomDefaults, "threads">,
): string | undefined {
  if (saidIn !== undefined || direct) return saidIn;
  const { threads = defaults.threads } = settings;
  return threads === "on" ? eventId : undefined;
}
