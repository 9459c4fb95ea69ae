import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Closers } from "../../../src/bridge/closers.ts";
import { silentLogger } from "../../../src/observability/log.ts";

describe("the end of the parts", () => {
  it("comes in the opposite order of their creation, each after the one before has ended", async () => {
    const closers = new Closers(silentLogger());
    const ended: string[] = [];
    for (const part of ["database", "client", "ghosts"]) {
      closers.add(async () => {
        ended.push(`${part} ends`);
        await Promise.resolve();
        ended.push(`${part} ended`);
      });
    }
    await closers.closeAll();
    assert.deepEqual(ended, [
      "ghosts ends",
      "ghosts ended",
      "client ends",
      "client ended",
      "database ends",
      "database ended",
    ]);
  });

  it("reaches the other parts though one can't be ended", async () => {
    const closers = new Closers(silentLogger());
    const ended: string[] = [];
    closers.add(async () => {
      await Promise.resolve();
      ended.push("database");
    });
    closers.add(() => Promise.reject(new Error("it hangs")));
    closers.add(() => {
      throw new Error("it is broken");
    });
    await closers.closeAll();
    assert.deepEqual(ended, ["database"]);
  });

  it("comes once", async () => {
    const closers = new Closers(silentLogger());
    let ends = 0;
    closers.add(async () => {
      await Promise.resolve();
      ends++;
    });
    await closers.closeAll();
    await closers.closeAll();
    assert.equal(ends, 1);
  });
});
