/** A PNG with its header only. */
export function png(w: number, h: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(w, 0);
  header.writeUInt32BE(h, 4);
  header.set([8, 2], 8);
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), png.chunk("IHDR", header)]);
}

/** A part of a PNG, without its checksum. */
png.chunk = (name: string, data: Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(name, "latin1"), data, Buffer.alloc(4)]);
};

interface Size {
  readonly w: number;
  readonly h: number;
}

/** A GIF with a screen and these empty frames. */
export function gif(screen: Size, frames: readonly Size[]): Buffer {
  const size = ({ w, h }: Size): number[] => [w & 255, w >> 8, h & 255, h >> 8];
  const images = frames.map((frame) => [
    0x21,
    0xf9,
    4,
    0,
    0,
    0,
    0,
    0,
    0x2c,
    0,
    0,
    0,
    0,
    ...size(frame),
    0,
    2,
    1,
    0x44,
    0,
  ]);
  // A table of two colours stands before them.
  return Buffer.from([
    ...Buffer.from("GIF89a"),
    ...size(screen),
    0x80,
    0,
    0,
    ...Array<number>(6).fill(0),
    ...images.flat(),
    0x3b,
  ]);
}

/** A WebP of these parts. */
export function webp(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from("WEBP"), ...parts]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from("RIFF"), length, body]);
}

/** A part of a WebP. */
export function chunk(name: string, hex: string, ...more: readonly Buffer[]): Buffer {
  const data = Buffer.concat([Buffer.from(hex.replaceAll(" ", ""), "hex"), ...more]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  return Buffer.concat([Buffer.from(name, "latin1"), length, data, Buffer.alloc(data.length & 1)]);
}
