/** The key of the Megolm session that encrypted a message. Two messages with the same key break secrecy. */
export function megolmIndex(content: string): { readonly session: string; readonly index: number } {
  const { session_id, ciphertext } = JSON.parse(content) as { session_id: string; ciphertext: string };
  const bytes = Buffer.from(ciphertext, "base64");
  // Version 3, then protocol-buffer field 1, a varint (https://gitlab.matrix.org/matrix-org/olm/-/blob/master/docs/megolm.md).
  if (bytes[0] !== 3 || bytes[1] !== 0x08) throw new Error("not a Megolm message");
  let index = 0;
  for (let at = 2, shift = 0; ; at++, shift += 7) {
    const byte = bytes[at] ?? 0;
    index |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { session: session_id, index };
  }
}
