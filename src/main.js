#!/usr/bin/env -S MALLOC_TRIM_THRESHOLD_=131072 node --max-semi-space-size=8 --v8-pool-size=1
// Plain JavaScript, in words that Node 12 knows: an older Node must get far enough to say that it is too old. Nothing else is
// loaded before that.

const OLDEST_NODE = 24;

const version = process.versions.node;
if (Number(version.split(".")[0]) < OLDEST_NODE) {
  console.error(
    `matrix-agents needs Node.js ${OLDEST_NODE} or newer; this is ${version}.\n` +
      `On Debian and Ubuntu: curl -fsSL https://deb.nodesource.com/setup_${OLDEST_NODE}.x | sudo -E bash - && sudo apt-get install -y nodejs\n` +
      "Elsewhere: https://nodejs.org/en/download. In a checkout, npm ci brings a Node.js of its own, on which bin/matrix-agents runs.",
  );
  process.exit(2);
}

// The reader has closed the pipe (`| head`). This is no failure; no more is written.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

import("./cli/exit-code.ts")
  .then(({ exitCodeOf }) => exitCodeOf(process.argv.slice(2)))
  .then((exitCode) => {
    process.exitCode = exitCode;
  });
