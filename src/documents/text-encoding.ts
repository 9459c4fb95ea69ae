/**
 * The control characters that no text has: all except white space, backspace, and the escapes of a terminal's colours.
 */
// eslint-disable-next-line no-control-regex -- control characters are looked for
const CONTROLS = /[\0-\x07\x0e-\x1a\x1c-\x1f\x7f]/;

/** The part of a file that decides on its encoding. */
const LOOKED_AT = 8_000;

/**
 * The number of valid non-ASCII characters that excuse one invalid place: a cut or damaged UTF-8 text has few of those.
 */
const GOOD_FOR_ONE_BAD = 10;

/**
 * The words of a text in any common encoding: by its byte order mark, as UTF-16 where every other byte is zero, as
 * UTF-8, and else as Windows-1252. Undefined when it is no text.
 */
export function decodedText(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  // Git distinguishes texts in the same way. Later parts may hold zeros, for example in a log of a crash.
  if (bytes.subarray(0, LOOKED_AT).includes(0)) return unmarkedUtf16(bytes);
  const valid = decodedStrictly(bytes, "utf-8");
  if (valid !== undefined) return valid;
  const text = new TextDecoder().decode(bytes);
  const bad = countOf(text, /\ufffd/g);
  const good = countOf(text, /[^\0-\x7f\ufffd]/g);
  if (good >= GOOD_FOR_ONE_BAD * bad) return text;
  const western = new TextDecoder("windows-1252").decode(bytes);
  // Windows-1252 gives five bytes no meaning; they are decoded as controls.
  return CONTROLS.test(western) || /[\x81\x8d\x8f\x90\x9d]/.test(western) ? undefined : western;
}

/** Unmarked UTF-16, where it is obvious: an ASCII character has one zero byte, always on the same side. */
function unmarkedUtf16(bytes: Uint8Array): string | undefined {
  const beginning = bytes.subarray(0, LOOKED_AT);
  const zeros = [0, 0];
  for (const [at, byte] of beginning.entries()) if (byte === 0) zeros[at & 1] = (zeros[at & 1] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  // At least a quarter of all characters is ASCII, if only spaces and line breaks; few other characters end in zero
  // (U+4E00 does).
  const most = Math.max(even, odd);
  if (most * 8 < beginning.length || Math.min(even, odd) * 10 > most) return undefined;
  const text = decodedStrictly(bytes, odd > even ? "utf-16le" : "utf-16be");
  return text === undefined || CONTROLS.test(text) ? undefined : text;
}

/** Undefined where any of it is not in that encoding. A U+FFFD in the result may have been written as such. */
function decodedStrictly(bytes: Uint8Array, encoding: "utf-8" | "utf-16le" | "utf-16be"): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    // The error has no further information.
    return undefined;
  }
}

function countOf(text: string, what: RegExp): number {
  let count = 0;
  for (let found = what.exec(text); found !== null; found = what.exec(text)) count++;
  return count;
}
