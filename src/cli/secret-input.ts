import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { FileTooLarge, readBounded } from "../config/bounded-file.ts";
import { fileFault } from "../observability/file-fault.ts";
import { Unanswered } from "../setup/prompt.ts";
import { readGivenFile } from "./given-file.ts";
import { UsageError } from "./usage-error.ts";

/**
 * A secret that must not stand on the command line, where every user of the machine sees it. It comes from a file, from
 * standard input (`-`, or no terminal), or from the terminal without an echo. Throws UsageError when it is empty, Unanswered when
 * the person ends the question, and FileFault.
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
    if (error instanceof FileTooLarge) throw new UsageError(`standard input holds no ${what}: ${error.message}`);
    throw fileFault(error, "standard input", "read");
  });
}

/** More than any recovery key or passphrase has. */
const MOST_BYTES = 64 * 1024;

function ask(what: string): Promise<string> {
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  // The terminal shows from here on nothing of what is typed.
  process.stderr.write(`${what}: `);
  return new Promise((resolve, reject) => {
    lines.question("", (answer) => {
      resolve(answer);
      lines.close();
    });
    lines.once("SIGINT", () => lines.close());
    // Also where the input ends (Ctrl-D, a terminal that is closed). After an answer it changes nothing.
    lines.once("close", () => {
      process.stderr.write("\n");
      reject(new Unanswered(`no ${what} was given; nothing was changed`));
    });
  });
}
