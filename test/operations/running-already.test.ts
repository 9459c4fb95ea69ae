import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dump } from "js-yaml";
import { runCommand } from "../support/command.ts";
import { createDatabase } from "../support/postgres.ts";
import { layEmbedded } from "../support/embedded.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { inCheckout } from "../support/paths.ts";
import { startProcess, type Process } from "../support/process.ts";
import { sharedPostgresUrl } from "../support/services.ts";
import { temporaryDirectory } from "../support/temporary.ts";

for (const kind of ["embedded", "postgres"] as const) {
  describe(`a second start of a bridge that runs already, with the database ${kind}`, () => {
    let folder: string;
    let settings: object;
    let first: Process;

    /** Data of its own, which with PostgreSQL would have another master key than the database. */
    const apart = (name: string): object => (kind === "embedded" ? { data_dir: `./${name}` } : {});

    async function write(name: string, more: object): Promise<string> {
      const file = join(folder, name);
      await writeFile(file, dump({ ...settings, ...more }), { mode: 0o600 });
      return file;
    }

    before(async () => {
      folder = await temporaryDirectory("twice");
      settings = {
        homeserver: { url: "http://127.0.0.1:1", domain: "example.org" },
        appservice: { port: await freePort() },
        monitoring: { enabled: true, port: await freePort() },
        logging: { format: "json" },
        providers: { demo: { type: "demo" } },
        agents: { demo: { provider: "demo" } },
        ...(kind === "postgres" ? { database: { url: await createDatabase(sharedPostgresUrl()) } } : {}),
      };
      const config = await write("config.yaml", {});
      await layEmbedded(join(folder, "data", "database"));
      assert.equal((await runCommand(["generate-registration", "-c", config])).code, 0);
      const args = [inCheckout("src/main.js"), "start", "-c", config];
      first = await startProcess({ command: process.execPath, args });
      await eventually("it to listen", () => first.stderr.some((line) => line.includes("waiting for the homeserver")), {
        timeoutMs: 60_000,
        instead: () => first.stderr.join("\n"),
      });
    });
    after(() => first.stop());

    it("says that it runs, not that another port is needed", async () => {
      const { code, stderr } = await runCommand(["start", "-c", join(folder, "config.yaml")]);
      assert.equal(code, 1);
      assert.match(
        stderr,
        kind === "embedded"
          ? new RegExp(
              `^matrix-agents: the bridge is running already, or starting \\(pid ${first.pid}\\); stop that process first$`,
              "m",
            )
          : /^matrix-agents: the bridge is running already, at http:\/\/127\.0\.0\.1:\d+; stop that process first$/m,
      );
      assert.doesNotMatch(stderr, /another port|^ +at /m);
    });

    it("says so without monitoring and on other data, by the same registration and port", async () => {
      const twin = await write("twin.yaml", { monitoring: { enabled: false }, ...apart("twin") });
      await layEmbedded(join(folder, "twin", "database"));
      const { code, stderr } = await runCommand(["start", "-c", twin]);
      assert.equal(code, 1);
      assert.match(stderr, /the bridge is running already, at http:\/\/127\.0\.0\.1:\d+; stop that process first/);
      assert.equal(first.exit(), undefined);
    });

    it("names another program that has the port", async () => {
      await layEmbedded(join(folder, "other", "database"));
      // The same port, and tokens of its own.
      const registration = join(folder, "other-registration.yaml");
      const appservice = { ...(settings as { appservice: object }).appservice, registration };
      const other = await write("other.yaml", { monitoring: { enabled: false }, ...apart("other"), appservice });
      assert.equal((await runCommand(["generate-registration", "-c", other])).code, 0);
      const { code, stderr } = await runCommand(["start", "-c", other]);
      assert.equal(code, 1);
      assert.match(stderr, /appservice\.port: another program listens on port \d+/);
    });
  });
}
