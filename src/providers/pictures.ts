/** The types of pictures that models accept. */
export type PictureType = "image/png" | "image/jpeg" | "image/gif" | "image/webp";

/** The drawn size of a picture, in pixels, as its file states. */
export interface PictureExtent {
  /** The largest size that anything in the file states: a frame may exceed the header. */
  readonly w: number;
  readonly h: number;
  /** More than one for an animation. */
  readonly frames: number;
}

/** The type of a picture, by the beginning of its file; undefined for files that models do not accept. */
export function pictureType(bytes: Uint8Array): PictureType | undefined {
  const begins = (at: number, signature: string): boolean =>
    String.fromCharCode(...bytes.subarray(at, at + signature.length)) === signature;
  if (begins(0, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (begins(0, "\xff\xd8\xff")) return "image/jpeg";
  if (begins(0, "GIF8")) return "image/gif";
  if (begins(0, "RIFF") && begins(8, "WEBP")) return "image/webp";
  return undefined;
}

/** A picture in a format that models do not accept; `other` is one of several rare ones. */
export type ForeignPicture = "heic" | "svg" | "other";

/**
 * The brands of ISO base media files that are photos (ISO/IEC 23008-12); other files that begin with `ftyp` are film or
 * sound.
 */
const HEIC_BRANDS: ReadonlySet<string> = new Set(["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]);

/** TIFF in both byte orders, BMP, an icon, JPEG XL in both forms, JPEG 2000, Photoshop. */
// eslint-disable-next-line no-control-regex -- the files begin with these bytes
const OTHERS = /^(?:II\*\0|MM\0\*|BM[^]{4}\0\0\0\0|\0\0\x01\0[^]\0|\xff\x0a|\0\0\0\x0cJXL |\0\0\0\x0cjP |8BPS)/;

/** The type of a picture that models do not accept, by the beginning of its file; undefined for other files. */
export function foreignPicture(bytes: Uint8Array): ForeignPicture | undefined {
  const beginning = String.fromCharCode(...bytes.subarray(0, 1_024));
  if (beginning.slice(4, 8) === "ftyp") {
    const brand = beginning.slice(8, 12);
    if (HEIC_BRANDS.has(brand)) return "heic";
    return brand === "avif" || brand === "avis" ? "other" : undefined;
  }
  if (OTHERS.test(beginning)) return "other";
  const start = beginning
    .replace(/^\xef\xbb\xbf/, "")
    .replace(/^(?:\s+|<\?[^>]*>|<!DOCTYPE[^>]*>|<!--(?:[^-]|-(?!->))*-->)+/i, "");
  return /^<svg\b/i.test(start) ? "svg" : undefined;
}

/** The most pixels of a picture over all its frames: 400 MB when drawn, a photo of today's largest sensors. */
const MOST_PIXELS = 100_000_000;
const MOST_FRAMES = 1_000;

/** Whether a picture can be drawn without taking all of a machine's memory. */
export function isDrawable({ w, h, frames }: PictureExtent): boolean {
  return w * h * frames <= MOST_PIXELS && frames <= MOST_FRAMES;
}

/** The most parts of a picture file: a photo of 10 MB in blocks of 255 bytes has 40,000. */
const MOST_PARTS = 200_000;

/**
 * The size in a picture's file, read from all its headers without drawing anything. Undefined where it states none,
 * states one that can't be drawn, or has more than {@link MOST_PARTS} parts.
 */
export function pictureExtent(bytes: Uint8Array): PictureExtent | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return saidBy(view, pictureType(bytes))?.extent;
}

function saidBy(view: DataView, type: PictureType | undefined): Said | undefined {
  switch (type) {
    case "image/png":
      return pngSaid(view);
    case "image/gif":
      return gifSaid(view);
    case "image/jpeg":
      return jpegSaid(view);
    case "image/webp":
      return webpSaid(view);
    case undefined:
      return undefined;
  }
}

/** The names of parts, as numbers, because a file may have millions of them. */
const [IHDR, FCTL, VP8X, VP8, VP8L, ANMF] = ["IHDR", "fcTL", "VP8X", "VP8 ", "VP8L", "ANMF"].map((name) =>
  Buffer.from(name, "latin1").readUInt32BE(),
);

/** IHDR, which comes first, and the frame controls (fcTL) of an animation. */
function pngSaid(view: DataView): Said | undefined {
  if (view.byteLength < 24 || view.getUint32(12) !== IHDR) return undefined;
  const said = new Said(view.getUint32(16), view.getUint32(20));
  for (let at = 8; at + 8 <= view.byteLength && said.part(); at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) !== FCTL || at + 20 > view.byteLength) continue;
    said.frame(view.getUint32(at + 12), view.getUint32(at + 16));
  }
  return said;
}

/** The screen, and the descriptor of each image on it. */
function gifSaid(view: DataView): Said | undefined {
  if (view.byteLength < 13) return undefined;
  const said = new Said(view.getUint16(6, true), view.getUint16(8, true));
  let at = 13 + coloursAt(view, 10);
  while (at < view.byteLength && said.part()) {
    const block = view.getUint8(at);
    if (block === 0x2c && at + 10 < view.byteLength) {
      said.frame(view.getUint16(at + 5, true), view.getUint16(at + 7, true));
      at = afterBlocks(view, at + 11 + coloursAt(view, at + 9), said);
    } else if (block === 0x21) at = afterBlocks(view, at + 2, said);
    else break;
  }
  return said;
}

/** The length of the table of colours, by a byte of flags. */
function coloursAt(view: DataView, at: number): number {
  const flags = view.getUint8(at);
  return (flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1);
}

/** The end of data in blocks, each with its length before it. */
function afterBlocks(view: DataView, from: number, said: Said): number {
  let at = from;
  while (at < view.byteLength && said.part()) {
    const length = view.getUint8(at);
    at += 1 + length;
    if (length === 0) break;
  }
  return at;
}

/** The first frame header (SOF) among the segments before the image itself. */
function jpegSaid(view: DataView): Said | undefined {
  const said = new Said(0, 0);
  let at = 2;
  while (at + 9 < view.byteLength && said.part()) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      said.frame(view.getUint16(at + 7), view.getUint16(at + 5));
      return said;
    }
    if (marker === 0xda || marker === 0xd9) return undefined;
    const isFill = marker === 0xff;
    const isAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
    at += isFill ? 1 : isAlone ? 2 : 2 + Math.max(2, view.getUint16(at + 2));
  }
  return undefined;
}

/** The canvas (VP8X), and each image on it (VP8, VP8L), including those in an animation's frames (ANMF). */
function webpSaid(view: DataView): Said | undefined {
  const said = new Said(0, 0);
  let at = 12;
  while (at + 18 <= view.byteLength && said.part()) {
    const name = view.getUint32(at);
    const length = view.getUint32(at + 4, true);
    const data = at + 8;
    if (name === VP8X) said.canvas(1 + uint24(view, data + 4), 1 + uint24(view, data + 7));
    if (name === VP8) said.frame(view.getUint16(data + 6, true) & 0x3fff, view.getUint16(data + 8, true) & 0x3fff);
    if (name === VP8L) {
      const bits = view.getUint32(data + 1, true);
      said.frame(1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff));
    }
    // The parts inside a frame are read like those outside.
    at = data + (name === ANMF ? 16 : length + (length & 1));
  }
  return said;
}

/** The sizes that a file states, part by part. */
class Said {
  #w: number;
  #h: number;
  #frames = 0;
  #parts = 0;

  constructor(w: number, h: number) {
    this.#w = w;
    this.#h = h;
  }

  /** Takes another part. False when there are too many. */
  part(): boolean {
    return ++this.#parts <= MOST_PARTS;
  }

  canvas(w: number, h: number): void {
    this.#w = Math.max(this.#w, w);
    this.#h = Math.max(this.#h, h);
  }

  frame(w: number, h: number): void {
    this.canvas(w, h);
    this.#frames++;
  }

  /** The largest size; undefined when there were too many parts, or nothing to draw. */
  get extent(): PictureExtent | undefined {
    if (this.#parts > MOST_PARTS || this.#w === 0 || this.#h === 0) return undefined;
    return { w: this.#w, h: this.#h, frames: Math.max(1, this.#frames) };
  }
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}
