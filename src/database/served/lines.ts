import { MalformedMessage } from "./messages.ts";

const LINE_FEED = 0x0a;

/**
 * The whole lines of a stream; what follows the last line feed is dropped. Throws {@link MalformedMessage} where a line is
 * longer than the bound, in bytes, and the stream's error.
 */
export async function* boundedLines(stream: AsyncIterable<Uint8Array>, longest: number): AsyncGenerator<string> {
  // Kept in pieces: joining them each time would copy them each time.
  let begun: Uint8Array[] = [];
  let length = 0;
  for await (let chunk of stream) {
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED)) {
      refuseLong(length + end, longest);
      const line = Buffer.concat([...begun, chunk.subarray(0, end)]).toString("utf8");
      [begun, length, chunk] = [[], 0, chunk.subarray(end + 1)];
      yield line;
    }
    begun.push(chunk);
    length += chunk.length;
    refuseLong(length, longest);
  }
}

function refuseLong(length: number, longest: number): void {
  if (length > longest) throw new MalformedMessage(`a line is over ${longest} bytes`);
}
