import { crc32 } from "node:zlib";
import { AI_MADE } from "../matrix/ai-mark.ts";
import { pictureExtent, pictureType } from "../providers/pictures.ts";

/** The term in full, which C2PA's manifests have as well. */
const SOURCE_TYPE = `http://cv.iptc.org/newscodes/digitalsourcetype/${AI_MADE}`;

/** IPTC Photo Metadata 2025.1, "Digital Source Type", as XMP (ISO 16684-1). */
const XMP = Buffer.from(
  `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>` +
    `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
    `<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">` +
    `<Iptc4xmpExt:DigitalSourceType>${SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>` +
    `</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>`,
);

/**
 * A picture whose metadata says that a model made it. One that says so already stays as it is, because any change would break a C2PA
 * signature; so does a GIF, and a file in which the place for metadata can't be found. Linear in the bytes.
 */
export function withPictureMark(bytes: Uint8Array): Uint8Array {
  const picture = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (picture.includes(SOURCE_TYPE)) return bytes;
  switch (pictureType(bytes)) {
    case "image/png":
      return markedPng(picture);
    case "image/jpeg":
      return markedJpeg(picture);
    case "image/webp":
      return markedWebp(picture);
    case "image/gif":
    case undefined:
      return bytes;
  }
}

/** The signature and the header (IHDR, always 13 bytes) of a PNG. */
const PNG_HEAD = 8 + 12 + 13;

/** A text chunk (iTXt) behind the header, uncompressed and without a language (XMP part 3, "PNG"). */
function markedPng(png: Buffer): Uint8Array {
  if (png.length < PNG_HEAD || png.toString("latin1", 12, 16) !== "IHDR") return png;
  const named = Buffer.concat([Buffer.from("iTXtXML:com.adobe.xmp\0\0\0\0\0", "latin1"), XMP]);
  return Buffer.concat([
    png.subarray(0, PNG_HEAD),
    uint32(named.length - 4),
    named,
    uint32(crc32(named)),
    png.subarray(PNG_HEAD),
  ]);
}

/** A segment APP1, behind JFIF's APP0 where there is one (XMP part 3, "JPEG"). */
function markedJpeg(jpeg: Buffer): Uint8Array {
  if (jpeg.length < 6) return jpeg;
  const at = jpeg.readUInt16BE(2) === 0xffe0 ? 4 + jpeg.readUInt16BE(4) : 2;
  const data = Buffer.concat([Buffer.from("http://ns.adobe.com/xap/1.0/\0", "latin1"), XMP]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, at), head, data, jpeg.subarray(at)]);
}

/** The flags of a WebP's canvas (VP8X): it has metadata as XMP, and transparency. */
const [HAS_XMP, HAS_ALPHA] = [0x04, 0x10];

/** A chunk at the end, which the canvas has to announce; a simple file gets a canvas first (RFC 9649). */
function markedWebp(webp: Buffer): Uint8Array {
  const kind = webp.toString("latin1", 12, 16);
  const extent = pictureExtent(webp);
  if (extent === undefined || webp.length < 30) return webp;
  const body =
    kind === "VP8X" ? Buffer.from(webp.subarray(12)) : Buffer.concat([canvas(webp, kind, extent), webp.subarray(12)]);
  body.writeUInt8(body.readUInt8(8) | HAS_XMP, 8);
  const pad = Buffer.alloc(XMP.length & 1);
  const chunks = Buffer.concat([
    Buffer.from("WEBP", "latin1"),
    body,
    Buffer.from("XMP ", "latin1"),
    uint32(XMP.length, "LE"),
    XMP,
    pad,
  ]);
  return Buffer.concat([Buffer.from("RIFF", "latin1"), uint32(chunks.length, "LE"), chunks]);
}

function canvas(webp: Buffer, kind: string, { w, h }: { readonly w: number; readonly h: number }): Buffer {
  const chunk = Buffer.alloc(18);
  chunk.write("VP8X", "latin1");
  chunk.writeUInt32LE(10, 4);
  // Of the simple forms only the lossless one can be transparent, and a bit of its header says so.
  if (kind === "VP8L" && (webp.readUInt8(24) & 0x10) !== 0) chunk.writeUInt8(HAS_ALPHA, 8);
  chunk.writeUIntLE(w - 1, 12, 3);
  chunk.writeUIntLE(h - 1, 15, 3);
  return chunk;
}

function uint32(value: number, order: "BE" | "LE" = "BE"): Buffer {
  const bytes = Buffer.alloc(4);
  if (order === "BE") bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
}
