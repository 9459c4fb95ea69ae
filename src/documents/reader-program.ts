import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** The largest heap of a reader, in MiB; its whole memory is watched from outside. */
const MAX_HEAP_MB = 128;

/** The program that reads a document in a separate process. The bridge, which is restricted, can start no other. */
export const READER_PROGRAM = {
  file: process.execPath,
  args: [
    `--max-old-space-size=${MAX_HEAP_MB}`,
    "--disable-warning=ExperimentalWarning",
    // In the built version it is JavaScript like this file.
    fileURLToPath(new URL(`./document-reader${extname(import.meta.url)}`, import.meta.url)),
  ],
} as const;
