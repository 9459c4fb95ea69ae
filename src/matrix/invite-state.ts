/**
 * Whether the room of an invite is encrypted, by the state in the invite (spec "Stripped state"); undefined when it
 * carries none.
 */
export function encryptionOfInvite(event: {
  readonly unsigned?: Readonly<Record<string, unknown>>;
}): boolean | undefined {
  const state = event.unsigned?.["invite_room_state"];
  if (!Array.isArray(state) || state.length === 0) return undefined;
  return state.some((entry: unknown) => (entry as { type?: unknown } | null)?.type === "m.room.encryption");
}

/** The type of rooms that group other rooms, in which nobody talks (spec "Spaces"). */
export const SPACE = "m.space";

/** The type of an invite's room, by the state in the invite; undefined for most rooms, and when it carries none. */
export function typeOfInvite(event: { readonly unsigned?: Readonly<Record<string, unknown>> }): string | undefined {
  const state = event.unsigned?.["invite_room_state"];
  if (!Array.isArray(state)) return undefined;
  for (const entry of state as readonly ({
    readonly type?: unknown;
    readonly content?: { readonly type?: unknown } | null;
  } | null)[]) {
    if (entry?.type !== "m.room.create") continue;
    const type = entry.content?.type;
    return typeof type === "string" ? type : undefined;
  }
  return undefined;
}
