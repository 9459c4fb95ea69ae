/** The room that replaces an upgraded one (spec "Room upgrades"); undefined when the tombstone names none. */
export function replacementRoom(tombstone: Readonly<Record<string, unknown>>): string | undefined {
  const room = tombstone["replacement_room"];
  return typeof room === "string" && room.startsWith("!") ? room : undefined;
}

/** The room that a new one replaces, by its state as listed or as it came with an invite. */
export function predecessorRoom(state: unknown): string | undefined {
  if (!Array.isArray(state)) return undefined;
  const create = state.find((entry: unknown) => (entry as { type?: unknown } | null)?.type === "m.room.create") as
    { readonly content?: { readonly predecessor?: { readonly room_id?: unknown } } } | undefined;
  const room = create?.content?.predecessor?.room_id;
  return typeof room === "string" ? room : undefined;
}
