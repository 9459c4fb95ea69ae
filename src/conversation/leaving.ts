import type { Queryable } from "../database/database.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { combined, type Outcome } from "../ghost/outcome.ts";
import { stopping } from "../turns/stopping.ts";
import type { ConversationOptions } from "./conversation-options.ts";

type LeavingOptions = Pick<
  ConversationOptions,
  | "agentsIn"
  | "consents"
  | "exchanges"
  | "forgetting"
  | "grants"
  | "menus"
  | "settings"
  | "waitsStopped"
  | "stopTurns"
  | "turns"
>;

/**
 * Deletes the messages, summaries and settings of a room that an agent has left, and what people there have agreed to; and
 * ends its running answers.
 */
export async function left(options: LeavingOptions, ghost: GhostHandle, roomId: string): Promise<Outcome> {
  const { forgetting, settings, exchanges, consents, grants, menus, agentsIn } = options;
  const isLast = (await agentsIn(roomId)).length === 0;
  const store = async (tx: Queryable): Promise<void> => {
    await forgetting.room(tx, ghost.userId, roomId);
    await settings.forget(tx, ghost.userId, roomId);
    await consents.forget(tx, ghost.userId, roomId);
    await grants.forget(tx, ghost.userId, roomId);
    await menus.forget(tx, ghost.userId, roomId);
    if (isLast) await exchanges.forget(tx, roomId);
  };
  return combined(stopping(options, { ghost: ghost.userId, roomId }, { keeps: false }), { store });
}
