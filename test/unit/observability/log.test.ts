import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { startProcess } from "../../support/process.ts";
import { inCheckout } from "../../support/paths.ts";

/** A file that is always full; Linux has one. */
const FULL = "/dev/full";
const NO_FULL_DISK = !existsSync(FULL) && "there is no /dev/full";

/** The lines that a program logs, which is given the logger as `log` and two kinds of errors. */
async function logged(level: string, body: string, env: NodeJS.ProcessEnv = {}): Promise<Record<string, unknown>[]> {
  const program = `
    import { createLogger } from ${JSON.stringify(inCheckout("src/observability/log.ts"))};
    import { DatabaseError } from ${JSON.stringify(inCheckout("src/database/database.ts"))};
    import { UsageError } from ${JSON.stringify(inCheckout("src/cli/usage-error.ts"))};
    const log = createLogger(${JSON.stringify(level)}, "json");
    const away = () => new DatabaseError("connect ECONNREFUSED", { code: "ECONNREFUSED", retryable: true, cause: new Error("inner") });
    ${body}`;
  const child = await startProcess({
    command: process.execPath,
    args: ["--input-type=module", "-e", program],
    env: { ...env },
  });
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.stderr.join("\n"));
  return child.stderr.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("the log", () => {
  const flood = `for (let count = 0; count < 50; count++) {
    log.child({ ghost: "@a" + count }).warn({ error: away() }, "could not be written");
    log.child({ ghost: "@a" + (count % 2) }).warn({ error: new Error("broken") }, "fault of this ghost");
    log.warn({ event: count }, "a line without an error");
  }`;

  it("tells a failure once for all while something is away, and else once for each who has it", async () => {
    const lines = await logged("info", flood);
    const count = (msg: string): number => lines.filter((line) => line["msg"] === msg).length;
    assert.equal(count("could not be written"), 1);
    assert.equal(count("fault of this ghost"), 2);
    assert.equal(count("a line without an error"), 50);
  });

  it("tells what concerns one ghost alone of each, without the place in our code", async () => {
    const lines = await logged(
      "info",
      `const { ForeignAccount } = await import(${JSON.stringify(inCheckout("src/ghost/foreign-account.ts"))});
       for (const user of ["@a:b", "@c:b", "@a:b"]) {
         log.warn({ error: new ForeignAccount(user, [{ deviceId: "PHONE", displayName: "Phone" }]) }, "it waits");
       }`,
    );
    assert.deepEqual(
      lines.map((line) => /@\w:b is somebody's account/.exec(JSON.stringify(line))?.[0].slice(0, 2)),
      ["@a", "@c"],
    );
    assert.doesNotMatch(JSON.stringify(lines), /"stack"/);
  });

  for (const format of ["json", "pretty"] as const) {
    it(`ends nothing where its disk is full, as ${format}`, { skip: NO_FULL_DISK }, async () => {
      const program = `
        import { createLogger } from ${JSON.stringify(inCheckout("src/observability/log.ts"))};
        const log = createLogger("info", "${format}");
        for (let count = 0; count < 2_000; count++) log.info({ count }, "a line that nobody can read any more");
        setTimeout(() => console.log("done"), 10);`;
      await using full = await open(FULL, "w");
      const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
        stdio: ["ignore", "pipe", full.fd],
      });
      const [said] = await Promise.all([text(child.stdout ?? assert.fail()), once(child, "close")]);
      assert.deepEqual([child.exitCode, said], [0, "done\n"]);
    });
  }

  it("tells every line at debug", async () => {
    assert.equal((await logged("debug", flood)).length, 150);
  });

  it("shows the place of our own faults, and none where something else is away", async () => {
    const [outage, fault] = await logged(
      "info",
      `log.warn({ error: away() }, "a"); log.warn({ error: new Error("b") }, "b");`,
    );
    assert.doesNotMatch(JSON.stringify(outage), /"stack"/);
    assert.match(JSON.stringify(fault), /"stack"/);
  });

  it("keeps an error's text that is given as text, and the commands in our own words", async () => {
    const [text, ours] = await logged(
      "info",
      `log.warn({ error: "GET x: refused" }, "a");
       log.warn({ error: new UsageError("make one with \`matrix-agents init\`") }, "b");`,
    );
    assert.equal(text?.["error"], "GET x: refused");
    assert.match(JSON.stringify(ours), /make one with `matrix-agents init`/);
  });
});
