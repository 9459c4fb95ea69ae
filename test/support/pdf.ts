import { constants, deflateRawSync, deflateSync } from "node:zlib";

/** A PDF with a page for each text; an empty text makes a page without any. */
export function pdf(...pages: readonly string[]): Buffer {
  const kids = pages.map((_, index) => `${4 + 2 * index} 0 R`).join(" ");
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ...pages.flatMap((text, index) => {
      const lines = text.split("\n").map((line) => `(${line.replace(/[()\\]/g, "\\$&")}) Tj T*`);
      const stream = text === "" ? "" : `BT /F1 6 Tf 7 TL 20 780 Td ${lines.join(" ")} ET`;
      const resources = "/Resources << /Font << /F1 3 0 R >> >>";
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + 2 * index} 0 R ${resources} >>`,
        `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
      ];
    }),
  ];
  let file = "%PDF-1.4\n";
  const places = objects.map((object, index) => {
    const place = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return place;
  });
  const table = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  const size = objects.length + 1;
  const end = `trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  return Buffer.from(`${file}xref\n0 ${size}\n0000000000 65535 f \n${table}${end}`, "latin1");
}

/** The size of the bomb's page once unpacked, in bytes: a gigabyte. */
const BOMB_BYTES = 1024 ** 3;

/**
 * A gigabyte of spaces as zlib packs it (RFC 1950). A flushed piece refers to nothing before it, so one piece, packed once,
 * is repeated; packing all of them would take seconds.
 */
function packedSpaces(): Buffer {
  const piece = Buffer.alloc(1024 * 1024, " ");
  const packed = deflateRawSync(piece, { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const pieces = Array.from({ length: BOMB_BYTES / piece.length }, () => packed);
  const [header, lastBlock] = [Buffer.from([0x78, 0xda]), Buffer.from([0x03, 0x00])];
  return Buffer.concat([header, ...pieces, lastBlock, adler32OfSpaces(BOMB_BYTES)]);
}

/** The checksum at the end of zlib's data: the sum of all bytes, and the sum of the sums after each byte. */
function adler32OfSpaces(length: number): Buffer {
  const [count, space, modulus] = [BigInt(length), 32n, 65_521n];
  const sum = (1n + count * space) % modulus;
  const sums = (count + (space * count * (count + 1n)) / 2n) % modulus;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(Number(sums * 65_536n + sum));
  return bytes;
}

/** A PDF whose one page is packed so many times, and unpacks to a gigabyte of spaces. */
export function bomb(times: 1 | 2): Buffer {
  let packed = packedSpaces();
  for (let round = 1; round < times; round++) packed = deflateSync(packed, { level: 9 });
  const filters = Array.from({ length: times }, () => "/FlateDecode").join(" ");
  const [before = "", after = ""] = pdf("HERE")
    .toString("latin1")
    .split(/<< \/Length \d+ >>\nstream\n[\s\S]*\nendstream/);
  const stream = `<< /Length ${packed.length} /Filter [${filters}] >>\nstream\n${packed.toString("latin1")}\nendstream`;
  return Buffer.from(before + stream + after, "latin1");
}
