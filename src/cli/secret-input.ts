import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { FileTooLarge, readBounded, readBoundedFile } from "../config/bounded-file.ts";
import { fileFault } from "../observability/file-fault.ts";
import { UsageError } from "./usage-error.ts";

/**
 * A secret that must not stand on the command line, where every user of the machine sees it. It comes from a file, from
 * standard input (`-`, or no terminal), or from the terminal without an echo. Throws UsageError when it is empty, and FileFault.
 */
export async function readSecret(what: string, file: string | undefined): Promise<string> {
  const secret = (await read(what, file)).replace(/\r?\n$/, "");
  if (secret.trim() === "") throw new UsageError(`no ${what} was given`);
  return secret;
}

async function read(what: string, file: string | undefined): Promise<string> {
  if (file !== undefined && file !== "-") return readGivenFile(file, MOST_BYTES);
  if (process.stdin.isTTY) return ask(what);
  return readBounded(process.stdin, MOST_BYTES).catch((error: unknown) => {
    throw error instanceof FileTooLarge ? new UsageError(`standard input holds no ${what}: ${error.message}`) : error;
  });
}

/** The text of a file that a person named. Throws FileFault, and UsageError where it has more than `most` bytes. */
export async function readGivenFile(file: string, most: number): Promise<string> {
  return readBoundedFile(file, most).catch((error: unknown) => {
    if (error instanceof FileTooLarge) throw new UsageError(`${file} is another file: it has ${error.message}`);
    throw fileFault(error, file, "read");
  });
}

/** More than any recovery key or passphrase has. */
const MOST_BYTES = 64 * 1024;

function ask(what: string): Promise<string> {
  process.stderr.write(`${what}: `);
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve, reject) => {
    lines.question("", (answer) => {
      lines.close();
      process.stderr.write("\n");
      resolve(answer);
    });
    lines.once("SIGINT", () => {
      lines.close();
      reject(new UsageError(`no ${what} was given`));
    });
  });
}
