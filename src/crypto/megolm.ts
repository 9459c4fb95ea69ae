/**
 * The index of a Megolm message within its session (https://gitlab.matrix.org/matrix-org/olm/-/blob/master/docs/megolm.md:
 * version 3, then protocol-buffer field 1, a varint of 32 bits). Undefined when it is no Megolm message.
 */
export function messageIndex(ciphertext: unknown): number | undefined {
  if (typeof ciphertext !== "string") return undefined;
  // The first eight bytes hold the index.
  const bytes = Buffer.from(ciphertext.slice(0, 16), "base64");
  if (bytes[0] !== 3 || bytes[1] !== 0x08) return undefined;
  let index = 0;
  for (let at = 2; at < bytes.length && at < 7; at++) {
    const byte = bytes[at] ?? 0;
    index += (byte & 0x7f) * 2 ** (7 * (at - 2));
    if (byte < 0x80) return index;
  }
  return undefined;
}
