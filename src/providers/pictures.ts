/** The type of a picture, by how its file begins; undefined for what models do not look at. */
export function pictureType(bytes: Uint8Array): "image/png" | "image/jpeg" | "image/gif" | "image/webp" | undefined {
  const begins = (at: number, signature: string): boolean =>
    Buffer.from(bytes.subarray(at, at + signature.length)).toString("latin1") === signature;
  if (begins(0, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (begins(0, "\xff\xd8\xff")) return "image/jpeg";
  if (begins(0, "GIF8")) return "image/gif";
  if (begins(0, "RIFF") && begins(8, "WEBP")) return "image/webp";
  return undefined;
}

/** A picture's width and height as its file says; undefined where it does not. For PNG, GIF and JPEG. */
export function pictureSize(bytes: Uint8Array): { readonly w: number; readonly h: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (pictureType(bytes)) {
    case "image/png":
      return bytes.length < 24 ? undefined : { w: view.getUint32(16), h: view.getUint32(20) };
    case "image/gif":
      return bytes.length < 10 ? undefined : { w: view.getUint16(6, true), h: view.getUint16(8, true) };
    case "image/jpeg":
      return jpegSize(view);
    case "image/webp":
    case undefined:
      return undefined;
  }
}

/** In the first frame header (SOF) among the segments. */
function jpegSize(view: DataView): { readonly w: number; readonly h: number } | undefined {
  for (let at = 2; at + 9 < view.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    if (view.getUint8(at) !== 0xff) return undefined;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { w: view.getUint16(at + 7), h: view.getUint16(at + 5) };
  }
  return undefined;
}
