// Runs test suites: node test/run.ts unit integration e2e [-- part of a file name]
import { chmod, glob, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { inCheckout } from "./support/paths.ts";
import { startServices, type Services } from "./support/services.ts";
import { combine } from "./support/test-summary.ts";

/** How many files run at once: they wait for databases and servers more than they compute. */
const CONCURRENCY = 3;

const FILE_TIMEOUT_MS = 15 * 60_000;

const separator = process.argv.indexOf("--");
const suites = process.argv.slice(2, separator === -1 ? undefined : separator);
const filter = separator === -1 ? "" : (process.argv[separator + 1] ?? "");

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interrupted.abort();
  });
}

// Whatever a test leaves in the folder for temporary files goes when the run has ended.
const temporary = await mkdtemp(join(tmpdir(), "matrix-agents-test-"));
await chmod(temporary, 0o711);
process.env["TMPDIR"] = temporary;
// Hundreds of processes load the same modules; each compiles only what none before it has.
process.env["NODE_COMPILE_CACHE"] ??= join(temporary, "compile-cache");

let services: Services | undefined;
try {
  const plan = await Promise.all(suites.map(async (suite) => ({ suite, files: await filesOf(suite) })));
  if (plan.every(({ files }) => files.length === 0)) throw new Error("there is no such test file");
  if (plan.some(({ suite, files }) => suite !== "unit" && files.length > 0)) {
    services = await startServices((line) => console.error(line));
  }
  // Those that wait run together, so that the end of one suite fills up with the next.
  const waiting = plan.filter(({ suite }) => suite !== "unit").flatMap(({ files }) => files);
  const computing = plan.filter(({ suite }) => suite === "unit").flatMap(({ files }) => files);
  const runs = [computing, waiting]
    .filter((files) => files.length > 0)
    .map(
      (files) => () =>
        run({
          files,
          concurrency: CONCURRENCY,
          timeout: FILE_TIMEOUT_MS,
          signal: interrupted.signal,
        }),
    );
  const report = Readable.from(combine(runs, () => (process.exitCode = 1)));
  await pipeline(report, new spec(), process.stdout, { end: false });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await services?.stop();
  await rm(temporary, { recursive: true, force: true });
}
if (interrupted.signal.aborted) process.exitCode = 130;

async function filesOf(suite: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(inCheckout(`test/${suite}/**/*.test.ts`))) {
    if (basename(file).includes(filter)) files.push(file);
  }
  // The longest first, so that none of them is left alone at the end.
  const sizes = await Promise.all(files.map(async (file) => ({ file, size: (await stat(file)).size })));
  return sizes.sort((a, b) => b.size - a.size || (a.file < b.file ? -1 : 1)).map(({ file }) => file);
}
