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
  for await (const chunk of stream) {
    const end = chunk.lastIndexOf(LINE_FEED);
    if (end === -1) {
      begun.push(chunk);
      length += chunk.length;
    } else {
      // All lines of a chunk are decoded at once: one by one, many short lines cost the most.
      const lines = Buffer.concat([...begun, chunk.subarray(0, end)]).toString("utf8");
      const rest = chunk.subarray(end + 1);
      [begun, length] = [[rest], rest.length];
      for (const line of lines.split("\n")) {
        refuseLong(Buffer.byteLength(line), longest);
        yield line;
      }
    }
    refuseLong(length, longest);
  }
}

function refuseLong(length: number, longest: number): void {
  if (length > longest) throw new MalformedMessage(`a line is over ${longest} bytes`);
}
