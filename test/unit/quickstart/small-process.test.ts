import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { ENVIRONMENT_OF_BRIDGE, NODE_OPTIONS_OF_BRIDGE } from "../../../quickstart/small-process.ts";
import { inCheckout } from "../../support/paths.ts";

const OPTIONS = NODE_OPTIONS_OF_BRIDGE.join(" ");
const VARIABLES = Object.entries(ENVIRONMENT_OF_BRIDGE).map(([name, value]) => `${name}=${value}`);

/** The lines of each file that start the bridge, and set its surroundings. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  "src/main.js": [`#!/usr/bin/env -S ${VARIABLES.join(" ")} node ${OPTIONS}`],
  "docker/Dockerfile": [
    ...VARIABLES.map((variable) => `ENV ${variable}`),
    `ENTRYPOINT ${JSON.stringify(["node", ...NODE_OPTIONS_OF_BRIDGE, "dist/main.js"]).replaceAll(",", ", ")}`,
  ],
  "docker/systemd/matrix-agents.service": [
    `Environment=NODE_ENV=production ${VARIABLES.join(" ")}`,
    `ExecStart=/usr/bin/node ${OPTIONS} /opt/matrix-agents/dist/main.js start --config /etc/matrix-agents/config.yaml`,
  ],
  "package.json": [`    "start": "node ${OPTIONS} src/main.js start",`],
};

describe("a small process", () => {
  for (const [file, lines] of Object.entries(LINES)) {
    it(`is what ${file} starts`, async () => {
      const written = (await readFile(inCheckout(file), "utf8")).split("\n");
      assert.deepEqual(
        lines.filter((line) => !written.includes(line)),
        [],
      );
    });
  }
});
