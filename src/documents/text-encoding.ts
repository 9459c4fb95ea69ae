/** The control characters that no text has: all but white space, backspace, and the escapes of a terminal's colours. */
// eslint-disable-next-line no-control-regex -- control characters are looked for
const CONTROLS = /[\0-\x07\x0e-\x1a\x1c-\x1f\x7f]/;

/** So much of a file is looked at to tell how its characters are written. */
const LOOKED_AT = 8_000;

/** A UTF-8 text that was cut or damaged has few places that are none: of its other characters outside ASCII, so many for one. */
const GOOD_FOR_ONE_BAD = 10;

/**
 * The words of a text, whichever of the common encodings it is written in: by its byte order mark, as UTF-16 where every other
 * byte is zero, as UTF-8, and else as Windows-1252. Undefined when it is no text.
 */
export function decodedText(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  // As git tells them apart. Further on, a log may have some from a crash.
  if (bytes.subarray(0, LOOKED_AT).includes(0)) return unmarkedUtf16(bytes);
  const valid = decodedStrictly(bytes, "utf-8");
  if (valid !== undefined) return valid;
  const text = new TextDecoder().decode(bytes);
  const bad = countOf(text, /\ufffd/g);
  const good = countOf(text, /[^\0-\x7f\ufffd]/g);
  if (good >= GOOD_FOR_ONE_BAD * bad) return text;
  const western = new TextDecoder("windows-1252").decode(bytes);
  // Windows-1252 gives five bytes no meaning, and they are decoded as controls.
  return CONTROLS.test(western) || /[\x81\x8d\x8f\x90\x9d]/.test(western) ? undefined : western;
}

/** UTF-16 without a mark, where it is plain: an ASCII character in it has one zero byte, always on the same side. */
function unmarkedUtf16(bytes: Uint8Array): string | undefined {
  const beginning = bytes.subarray(0, LOOKED_AT);
  const zeros = [0, 0];
  for (const [at, byte] of beginning.entries()) if (byte === 0) zeros[at & 1] = (zeros[at & 1] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  // A quarter of all characters is ASCII, were it only spaces and line breaks; of others few end in zero (U+4E00 does).
  const most = Math.max(even, odd);
  if (most * 8 < beginning.length || Math.min(even, odd) * 10 > most) return undefined;
  const text = decodedStrictly(bytes, odd > even ? "utf-16le" : "utf-16be");
  return text === undefined || CONTROLS.test(text) ? undefined : text;
}

/** Undefined where any of it is not in that encoding. A U+FFFD that it holds may have been written so. */
function decodedStrictly(bytes: Uint8Array, encoding: "utf-8" | "utf-16le" | "utf-16be"): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    // The error says no more than that.
    return undefined;
  }
}

function countOf(text: string, what: RegExp): number {
  let count = 0;
  for (let found = what.exec(text); found !== null; found = what.exec(text)) count++;
  return count;
}
