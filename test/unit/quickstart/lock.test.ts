import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { takeLock, tryLock } from "../../../quickstart/lock.ts";
import { inCheckout } from "../../support/paths.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const never = new AbortController().signal;

async function lockFile(): Promise<string> {
  return join(await temporaryDirectory("lock"), "lock");
}

describe("the lock", () => {
  it("belongs to one process at a time, and names it", async () => {
    const path = await lockFile();
    const held = await tryLock(path);
    assert.ok("lock" in held);
    assert.equal(held.lock.afterCrash, false);
    assert.deepEqual(await tryLock(path), { holder: { pid: process.pid } });
    await assert.rejects(
      takeLock(path, (pid) => `held by ${pid}`, never),
      { message: `held by ${process.pid}` },
    );

    await held.lock.release();
    const again = await takeLock(path, String, never);
    assert.equal(again.afterCrash, false);
    await again.release();
  });

  it("is free again when its holder was killed, and says so", async () => {
    const path = await lockFile();
    const script = `import { tryLock } from "./lock.ts"; await tryLock(process.argv[1]); console.log("locked"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script, path], {
      cwd: inCheckout("quickstart"),
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    assert.deepEqual(await tryLock(path), { holder: { pid: child.pid } });
    child.kill("SIGKILL");
    await once(child, "exit");
    const lock = await takeLock(path, String, never);
    assert.equal(lock.afterCrash, true);
    await lock.release();
  });

  it("waits for the children of a holder that was killed", async () => {
    const path = await lockFile();
    const held = await tryLock(path);
    assert.ok("lock" in held);
    const child = spawn("cat", { stdio: ["pipe", "ignore", "ignore", held.lock.fd] });
    await once(child, "spawn");
    await held.lock.release();
    // As the killed holder would have left it: no process has this id.
    await writeFile(path, "2147483647");

    let taken = false;
    const taking = takeLock(path, String, never).then((lock) => {
      taken = true;
      return lock;
    });
    assert.ok("holder" in (await tryLock(path)));
    assert.equal(taken, false);
    child.kill("SIGKILL");
    const lock = await taking;
    assert.equal(lock.afterCrash, true);
    await lock.release();
  });
});
