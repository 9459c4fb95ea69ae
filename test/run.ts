// Runs test suites: node test/run.ts unit integration e2e [parts of paths] [--without part]
import { chmod, glob, mkdtemp, rm, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { prepareClients } from "./clients/prepare.ts";
import { prepareHomeservers } from "./homeservers/prepare.ts";
import { makeEmbeddedTemplate } from "./support/embedded.ts";
import { asOneFile, bySize, groupsOf, interleaved, type SizedFiles } from "./support/file-groups.ts";
import { inCheckout } from "./support/paths.ts";
import { startServices, type Services } from "./support/services.ts";
import { temporaryRoot } from "./support/temporary-root.ts";
import { combine } from "./support/test-summary.ts";

/** The number of files that run at once: unit tests compute, the others wait for servers most of the time. */
const CONCURRENCY = { computing: 3, waiting: 4 };

/** The time limit of a test. Those of its file, and of what it leaves open, are in file-limits.ts. */
const TEST_TIMEOUT_MS = 15 * 60_000;

/**
 * The number of processes that run the files of a suite. A separate process for each would cost more than most of these
 * files: their imports, and an embedded database, are compiled again in each. A suite that is not named here has one
 * for each file.
 */
const PROCESSES: Readonly<Record<string, number>> = { unit: 6, integration: 6 };

const SUITES = [
  "unit",
  "integration",
  "e2e",
  "attacks",
  "operations",
  "recovery",
  "models",
  "federation",
  "package",
  "floods",
  "clients",
  "homeservers",
  "web",
];

// npm takes the "--" of "npm run test:e2e -- first-contact" for itself.
const { values: given, positionals: asked } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== "--"),
  options: { without: { type: "string" } },
  allowPositionals: true,
});
const suites = asked.filter((word) => SUITES.includes(word));
const filter = asked.filter((word) => !SUITES.includes(word));

/** Somebody has ended the run. The runner of tests takes no reason that is not an object. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
}

const ended = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    ended.abort(new Interrupted());
  });
}

// All files that a test leaves in the folder for temporary files are removed when the run has ended.
const temporary = await mkdtemp(join(await temporaryRoot(), "matrix-agents-test-"));
await chmod(temporary, 0o711);
process.env["TMPDIR"] = temporary;
// Hundreds of processes load the same modules; each compiles only those that none before it has.
process.env["NODE_COMPILE_CACHE"] ??= join(temporary, "compile-cache");

let services: Promise<Services> | undefined;
let leftOut: string | undefined;
try {
  const plan = await Promise.all(suites.map(async (suite) => ({ suite, files: await filesOf(suite) })));
  // Side by side, because files of one suite compute while those of another wait for servers.
  const waiting = interleaved(
    plan.filter(({ suite }) => suite !== "unit" && suite !== "clients").map(({ files }) => files),
  );
  const clients = await prepareClients(plan.find(({ suite }) => suite === "clients")?.files ?? [], (line) =>
    console.error(line),
  );
  waiting.push(...clients.files);
  await prepareHomeservers(plan.find(({ suite }) => suite === "homeservers")?.files ?? [], (line) =>
    console.error(line),
  );
  leftOut = clients.leftOut;
  const computing = plan.filter(({ suite }) => suite === "unit").flatMap(({ files }) => files);
  if (waiting.length + computing.length === 0) throw new Error("there is no such test file");
  if (waiting.length > 0) {
    services = startServices((line) => console.error(line), { model: suites.includes("models") });
  }
  // A failure is handled where this is awaited, after the unit tests.
  services?.catch(() => undefined);
  // A single unit test finishes sooner without it.
  if (waiting.length > 0 || filter.length === 0) await makeEmbeddedTemplate();
  const start = (files: string[], concurrency: number): ReturnType<typeof run> =>
    run({
      files,
      concurrency,
      timeout: TEST_TIMEOUT_MS,
      execArgv: ["--import", pathToFileURL(inCheckout("test/support/file-limits.ts")).href],
      signal: ended.signal,
    });
  const afterServices = async (): Promise<ReturnType<typeof run>> => {
    await services;
    return start(waiting, CONCURRENCY.waiting);
  };
  const runs = [
    ...(computing.length > 0 ? [() => start(computing, CONCURRENCY.computing)] : []),
    ...(waiting.length > 0 ? [afterServices] : []),
  ];
  const report = Readable.from(combine(runs, () => (process.exitCode = 1)));
  await pipeline(report, new spec(), process.stdout, { end: false });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  ended.abort();
} finally {
  await services?.then(
    (started) => started.stop(),
    () => undefined,
  );
  await rm(temporary, { recursive: true, force: true });
}
if (leftOut !== undefined) console.error(leftOut);
if (ended.signal.reason instanceof Interrupted) process.exitCode = 130;

/** The test files of a suite as they are run: several in one, where they share a process. */
async function filesOf(suite: string): Promise<string[]> {
  const found: SizedFiles[] = [];
  for await (const file of glob(inCheckout(`test/${suite}/**/*.test.ts`))) {
    if (given.without !== undefined && relative(inCheckout("test"), file).includes(given.without)) continue;
    if (filter.length === 0 || filter.some((part) => relative(inCheckout(`test/${suite}`), file).includes(part)))
      found.push({ paths: [file], size: (await stat(file)).size });
  }
  const processes = PROCESSES[suite];
  const groups = processes === undefined ? bySize(found) : groupsOf(found, processes);
  return Promise.all(groups.map(({ paths }, index) => asOneFile(paths, temporary, `${suite}-${index + 1}`)));
}
