import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Coalesced, KeyedSerial, Serial } from "../../../src/concurrency/serial.ts";

/** Work that ends when the test decides. */
class Task<T = string> {
  readonly #end = Promise.withResolvers<T>();
  started = false;
  readonly run = (): Promise<T> => {
    this.started = true;
    return this.#end.promise;
  };
  finish(value: T): void {
    this.#end.resolve(value);
  }
  fail(error: Error): void {
    this.#end.reject(error);
  }
}

describe("work in series", () => {
  it("runs one at a time, in order, and each gets its own outcome", async () => {
    const serial = new Serial();
    const tasks = [new Task(), new Task(), new Task()] as const;
    const results = tasks.map((task) => serial.run(task.run));
    await turn();
    assert.deepEqual(
      tasks.map(({ started }) => started),
      [true, false, false],
    );
    tasks[0].fail(new Error("only mine"));
    await assert.rejects(results[0] ?? assert.fail(), /only mine/);
    await turn();
    assert.ok(tasks[1].started && !tasks[2].started);
    tasks[1].finish("second");
    tasks[2].finish("third");
    assert.deepEqual(await Promise.all(results.slice(1)), ["second", "third"]);
  });

  it("that is closed finishes its running task, and rejects waiting and later ones", async () => {
    const serial = new Serial();
    const [running, waiting] = [new Task(), new Task()];
    const first = serial.run(running.run);
    await turn();
    const second = assert.rejects(serial.run(waiting.run), /closed/);
    let closed = false;
    const closing = serial.close(new Error("closed")).then(() => (closed = true));
    await turn();
    assert.ok(!closed, "something is running");
    running.finish("done");
    assert.equal(await first, "done");
    await Promise.all([closing, second, assert.rejects(serial.run(waiting.run), /closed/)]);
    assert.ok(!waiting.started);
  });

  it("by key waits only for its own key", async () => {
    const keyed = new KeyedSerial();
    const [a1, a2, b] = [new Task(), new Task(), new Task()];
    const results = [keyed.run("a", a1.run), keyed.run("a", a2.run), keyed.run("b", b.run)];
    await turn();
    assert.ok(a1.started && !a2.started && b.started);
    b.finish("b");
    assert.equal(await results[2], "b");
    a1.fail(new Error("lost"));
    await assert.rejects(results[0] ?? assert.fail(), /lost/);
    a2.finish("a2");
    assert.equal(await results[1], "a2");
  });
});

describe("work that many request at once", () => {
  /** Coalesced work whose runs the test ends one by one. */
  function make(): { work: Coalesced; runs: Task<undefined>[] } {
    const runs: Task<undefined>[] = [];
    const work = new Coalesced(() => {
      const task = new Task<undefined>();
      runs.push(task);
      return task.run();
    });
    return { work, runs };
  }

  it("is done once more for all who ask while it runs, and never twice at a time", async () => {
    const { work, runs } = make();
    const first = work.run();
    let served = false;
    const later = Promise.all([work.run(), work.run(), work.run()]).then(() => (served = true));
    await turn();
    assert.equal(runs.length, 1);
    runs[0]?.finish(undefined);
    await first;
    await turn();
    assert.equal(runs.length, 2, "one more for the three");
    assert.ok(!served, "their run has to end, not the one before");
    runs[1]?.finish(undefined);
    await later;
    const last = work.run();
    assert.equal(runs.length, 3);
    runs[2]?.finish(undefined);
    await last;
  });

  it("fails those whose run failed, and goes on", async () => {
    const { work, runs } = make();
    const first = work.run();
    const second = work.run();
    runs[0]?.fail(new Error("away"));
    await assert.rejects(first, /away/);
    await turn();
    runs[1]?.finish(undefined);
    await second;
  });
});
