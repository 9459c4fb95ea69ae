import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../../src/observability/log.ts";
import { Draft, pauseAfter, type DraftDelivery } from "../../../src/turns/draft.ts";

function delivery(overrides: Partial<DraftDelivery> = {}): DraftDelivery & { readonly shown: string[] } {
  const shown: string[] = [];
  return {
    shown,
    eventId: undefined,
    begin: (text) => Promise.resolve(shown.push(text)).then(() => "$draft"),
    edit: (eventId, text) => Promise.resolve(shown.push(`${eventId} ${text}`)).then(() => true),
    ...overrides,
  };
}

/** Lets pending work continue. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe("a draft", () => {
  it("is not shown for a quick answer, nor for blanks", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const to = delivery();
    const draft = new Draft(to, silentLogger());
    draft.update("  \n");
    t.mock.timers.tick(60_000);
    draft.update("yes");
    t.mock.timers.tick(300);
    assert.equal(await draft.close(), undefined);
    t.mock.timers.tick(60_000);
    assert.deepEqual(to.shown, []);
  });

  it("shows everything so far, and nothing twice", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const to = delivery();
    const draft = new Draft(to, silentLogger());
    draft.update("one");
    draft.update("one two");
    t.mock.timers.tick(1_000);
    await settle();
    t.mock.timers.tick(60_000);
    await settle();
    draft.update("one two three");
    t.mock.timers.tick(60_000);
    await settle();
    assert.deepEqual(to.shown, ["one two", "$draft one two three"]);
    assert.equal(await draft.close(), "$draft");
  });

  it("continues an earlier draft, and ends when there may be no more edits", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let left = 1;
    const to = delivery({ eventId: "$before" });
    const draft = new Draft(
      { ...to, edit: async (id, text) => (await to.edit(id, text)) && left-- > 0 },
      silentLogger(),
    );
    for (const text of ["a", "a b", "a b c", "a b c d"]) {
      draft.update(text);
      t.mock.timers.tick(60_000);
      await settle();
    }
    assert.deepEqual(to.shown, ["$before a", "$before a b"]);
    assert.equal(await draft.close(), "$before");
  });

  it("that can't be sent is dropped without harm", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const draft = new Draft(delivery({ begin: () => Promise.reject(new Error("thrown out")) }), silentLogger());
    draft.update("hello");
    t.mock.timers.tick(1_000);
    await settle();
    draft.update("hello again");
    t.mock.timers.tick(60_000);
    assert.equal(await draft.close(), undefined);
  });
});

describe("the pauses between edits", () => {
  it("grow from one second, so that 24 last for minutes", () => {
    const pauses = Array.from({ length: 24 }, (_, edits) => pauseAfter(edits));
    assert.equal(pauses[0], 1_000);
    assert.ok(pauses.every((pause, index) => index === 0 || pause >= (pauses[index - 1] ?? 0)));
    assert.ok(pauses.reduce((sum, pause) => sum + pause) > 5 * 60_000);
  });
});
