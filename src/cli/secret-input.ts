import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { Writable } from "node:stream";
import { reasonOfFileError } from "../observability/file-fault.ts";
import { UsageError } from "./usage-error.ts";

/**
 * A secret that must not stand on the command line, where every user of the machine sees it. It comes from a file, from
 * standard input (`-`, or no terminal), or from the terminal without an echo. Throws UsageError when it is empty or the
 * file can't be read.
 */
export async function readSecret(what: string, file: string | undefined): Promise<string> {
  const secret = (await read(what, file)).replace(/\r?\n$/, "");
  if (secret.trim() === "") throw new UsageError(`no ${what} was given`);
  return secret;
}

async function read(what: string, file: string | undefined): Promise<string> {
  if (file !== undefined && file !== "-") {
    return readFile(file, "utf8").catch((error: unknown) => {
      throw new UsageError(`the file with the ${what} can't be read, ${file}: ${reasonOfFileError(error, file)}`);
    });
  }
  return process.stdin.isTTY ? ask(what) : text(process.stdin);
}

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
