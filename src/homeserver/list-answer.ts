import { setImmediate as others } from "node:timers/promises";

/** The longest time, in ms, for which parsing holds up others, apart from one long entry. */
const SLICE_MS = 10;
/** The bytes between two looks at the clock. */
const SLICE_BYTES = 65_536;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
/** Space, tab, line feed and carriage return. */
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * The entries of a JSON list that `keep` accepts. Each entry is parsed by itself, other work runs in between, and an
 * unwanted entry is freed before the next: a member can make a room's state as large as they like, and parsed lists
 * take thirty times the memory. Throws SyntaxError when it is no list.
 */
export async function parseList(json: Buffer, keep: (entry: unknown) => boolean): Promise<unknown[]> {
  const kept: unknown[] = [];
  let isFirst = true;
  let depth = 0;
  let isText = false;
  let start = -1;
  let since = performance.now();
  const end = (at: number): void => {
    if (start === -1) return;
    const text = json.toString("utf8", start, at).trim();
    start = -1;
    // An empty list is valid; an empty entry between two commas is not.
    if (text === "" && json[at] === CLOSE_LIST && isFirst) return;
    isFirst = false;
    const entry: unknown = JSON.parse(text);
    if (keep(entry)) kept.push(entry);
  };
  let isOver = false;
  for (let at = 0; at < json.length; at++) {
    if (at % SLICE_BYTES === 0 && performance.now() - since > SLICE_MS) {
      await others();
      since = performance.now();
    }
    const byte = json[at] ?? 0;
    if (depth === 0 && byte !== OPEN_LIST && !BLANKS.has(byte)) throw new SyntaxError("no list");
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (depth++ === 0) {
        if (byte !== OPEN_LIST || isOver) throw new SyntaxError("no list");
        start = at + 1;
      }
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      if (--depth < 0) throw new SyntaxError("no list");
      if (depth === 0) {
        if (byte !== CLOSE_LIST) throw new SyntaxError("no list");
        end(at);
        isOver = true;
      }
    } else if (byte === COMMA && depth === 1) {
      end(at);
      start = at + 1;
    }
  }
  if (!isOver || depth !== 0) throw new SyntaxError("no list");
  return kept;
}
