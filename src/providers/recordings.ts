/** The endings of recordings that servers accept, by the beginning of the file. */
export type RecordingEnding = "ogg" | "mp3" | "m4a" | "webm" | "wav" | "flac" | "aac";

/** The kind of a recording, by the beginning of its file; undefined for other files. */
export function recordingEnding(bytes: Uint8Array): RecordingEnding | undefined {
  const text = (at: number, length: number): string => String.fromCharCode(...bytes.subarray(at, at + length));
  const begin = text(0, 4);
  if (begin === "OggS") return "ogg";
  if (begin === "fLaC") return "flac";
  if (begin === "\x1a\x45\xdf\xa3") return "webm";
  if (begin === "RIFF" && text(8, 4) === "WAVE") return "wav";
  if (text(4, 4) === "ftyp") return "m4a";
  if (begin.startsWith("ID3")) return "mp3";
  // The sync word of MPEG audio: eleven bits set. Layer 0 is AAC in ADTS.
  const [first = 0, second = 0] = bytes;
  if (first === 0xff && (second & 0xe0) === 0xe0) return (second & 0x06) === 0 ? "aac" : "mp3";
  return undefined;
}
