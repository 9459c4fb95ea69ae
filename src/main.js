#!/usr/bin/env -S MALLOC_TRIM_THRESHOLD_=131072 node --max-semi-space-size=8 --v8-pool-size=1
// Plain JavaScript, in words that Node 12 knows: an older Node must get far enough to say that it is too old. Nothing else is
// loaded before that.

const OLDEST_NODE = 24;

const version = process.versions.node;
if (Number(version.split(".")[0]) < OLDEST_NODE) {
  console.error(
    `matrix-agents needs Node.js ${OLDEST_NODE} or newer; this is ${version}.\n` +
      `On Debian and Ubuntu: sudo apt-get install nodejs, where "apt-cache policy nodejs" names ${OLDEST_NODE} or newer; else NodeSource's packages, https://github.com/nodesource/distributions\n` +
      `Elsewhere: nvm install ${OLDEST_NODE}, or https://nodejs.org/en/download. In a checkout, npm ci brings a Node.js of its own, on which bin/matrix-agents runs.`,
  );
  process.exit(2);
}

process.stdout.on("error", (error) => {
  // The reader has closed the pipe (`| head`). This is no failure; no more is written.
  if (error.code === "EPIPE") process.exit();
  const reason = error.code === "ENOSPC" ? "no space is left where it goes" : `the system says ${error.code}`;
  process.stderr.write(`matrix-agents: the output can't be written: ${reason}\n`);
  process.exit(1);
});
// Nobody can be told any more; the exit code still tells.
process.stderr.on("error", () => undefined);

let hasEnded = false;
import("./cli/exit-code.ts")
  .then(({ exitCodeOf }) => exitCodeOf(process.argv.slice(2)))
  .then((exitCode) => {
    hasEnded = true;
    process.exitCode = exitCode;
  });

// Without this, a command that waits for something that can't come any more would end as a success.
process.on("beforeExit", () => {
  if (hasEnded || process.exitCode !== undefined) return;
  hasEnded = true;
  process.exitCode = 1;
  process.stderr.write("matrix-agents: the command ended before it was done; this is a fault of matrix-agents\n");
});
