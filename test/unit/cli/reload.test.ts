import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pino } from "pino";
import { reload } from "../../../src/cli/reload.ts";
import { loadSettings } from "../config/settings.ts";

const FIXED = { data_dir: "/data", appservice: { registration: "/registration.yaml" } };

/** The applied settings, and the log lines. */
async function reloaded(
  more: object,
  take: () => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly taken: readonly string[][]; readonly said: Record<string, unknown>[] }> {
  const taken: string[][] = [];
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const now = await loadSettings(FIXED);
  await reload(
    () => loadSettings({ ...FIXED, ...more }),
    now,
    async (_next, changed) => {
      await take();
      taken.push([...changed]);
    },
    log,
  );
  return { taken, said: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe("the configuration that is read again", () => {
  it("is applied, and the log says what has changed", async () => {
    const { taken, said } = await reloaded({ permissions: { max_room_members: 5 }, turns: { max_queued: 1 } });
    assert.deepEqual(taken, [["permissions", "turns"]]);
    assert.match(String(said[0]?.["msg"]), /is applied/);
    assert.deepEqual(said[0]?.["changed"], ["permissions", "turns"]);
  });

  it("is ignored where nothing has changed", async () => {
    const { taken, said } = await reloaded({});
    assert.deepEqual(taken, []);
    assert.match(String(said[0]?.["msg"]), /is unchanged/);
  });

  it("is not applied where it is wrong, and every mistake is logged", async () => {
    const { taken, said } = await reloaded({ turns: { max_queued: 0 }, permissions: { ban_lists: ["#a:b"] } });
    assert.deepEqual(taken, []);
    const { level, problems } = said[0] ?? {};
    assert.equal(level, 50);
    const paths = (problems as { path: string }[]).map(({ path }) => path);
    assert.deepEqual(paths.toSorted(), ["permissions.ban_lists.0", "turns.max_queued"]);
  });

  it("is not applied in part: settings that need a restart are named, and the others wait for it", async () => {
    const { taken, said } = await reloaded({ turns: { max_queued: 1 }, leases: { expire_after: "1m" } });
    assert.deepEqual(taken, []);
    assert.deepEqual([said[0]?.["restart"], said[0]?.["untouched"]], [["leases.expire_after"], ["turns"]]);
  });

  it("changes nothing when it can't be applied in the end", async () => {
    const { taken, said } = await reloaded({ turns: { max_queued: 1 } }, () => Promise.reject(new Error("no")));
    assert.deepEqual(taken, []);
    assert.match(String(said[0]?.["msg"]), /not applied/);
  });
});
