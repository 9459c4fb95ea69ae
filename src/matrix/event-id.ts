/** Spec "Event IDs": they begin with `$`, and have 255 bytes at the most. One that no database can hold is none of ours. */
export function isEventId(id: unknown): id is string {
  return (
    typeof id === "string" &&
    id.startsWith("$") &&
    id.length <= 255 &&
    Buffer.byteLength(id) <= 255 &&
    id.isWellFormed() &&
    !id.includes("\0")
  );
}
