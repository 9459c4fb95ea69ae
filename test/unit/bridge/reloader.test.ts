import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { pino } from "pino";
import { Reloader } from "../../../src/bridge/reloader.ts";
import type { Reloaded, ReloadPreview } from "../../../src/config/reload.ts";
import { loadSettings } from "../config/settings.ts";

const FIXED = { data_dir: "/data", appservice: { registration: "/registration.yaml" } };

interface Reloading {
  readonly outcome: Reloaded;
  readonly preview: ReloadPreview;
  /** The changes that were put in force. */
  readonly taken: readonly string[][];
  readonly said: Record<string, unknown>[];
}

/** A bridge with plain settings whose file then has `more`, and is looked at and applied. */
async function reloaded(more: object, fault: () => Promise<void> = () => Promise.resolve()): Promise<Reloading> {
  const taken: string[][] = [];
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const now = await loadSettings(FIXED);
  let inForce = now;
  const reloader = new Reloader({
    file: {
      path: "/config.yaml",
      load: () => loadSettings({ ...FIXED, ...more }),
      applied: (next) => {
        inForce = next;
      },
    },
    now: () => now,
    prepare: async (_next, changed) => {
      await fault();
      return () => taken.push([...changed]);
    },
    log,
  });
  const preview = await reloader.preview();
  assert.deepEqual([taken, lines, inForce === now], [[], [], true], "a look changes nothing");
  const outcome = await reloader.apply();
  assert.equal(inForce !== now, outcome.kind === "applied");
  return { outcome, preview, taken, said: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe("the configuration that is read again", () => {
  it("is applied, and the log says what has changed", async () => {
    const { taken, said, outcome, preview } = await reloaded({
      permissions: { max_room_members: 5 },
      turns: { max_queued: 1 },
    });
    const changed = ["permissions", "turns"];
    assert.deepEqual(
      [preview, outcome],
      [
        { kind: "changes", changed },
        { kind: "applied", changed },
      ],
    );
    assert.deepEqual(taken, [["permissions", "turns"]]);
    assert.match(String(said[0]?.["msg"]), /is applied/);
    assert.deepEqual(said[0]?.["changed"], ["permissions", "turns"]);
  });

  it("is ignored where nothing has changed", async () => {
    const { taken, said, outcome, preview } = await reloaded({});
    assert.deepEqual([preview, outcome], [{ kind: "unchanged" }, { kind: "unchanged" }]);
    assert.deepEqual(taken, []);
    assert.match(String(said[0]?.["msg"]), /is unchanged/);
  });

  it("is not applied where it is wrong, and every mistake is logged", async () => {
    const { taken, said, outcome, preview } = await reloaded({
      turns: { max_queued: 0 },
      permissions: { ban_lists: ["#a:b"] },
    });
    assert.equal(preview.kind, "mistakes");
    assert.match(outcome.kind === "mistakes" ? outcome.reason : "", /has 2 mistakes:\n/);
    assert.deepEqual(taken, []);
    const { level, problems } = said[0] ?? {};
    assert.equal(level, 50);
    const paths = (problems as { path: string }[]).map(({ path }) => path);
    assert.deepEqual(paths.toSorted(), ["permissions.ban_lists.0", "turns.max_queued"]);
  });

  it("is not applied in part: settings that need a restart are named, and the others wait for it", async () => {
    const { taken, said, outcome, preview } = await reloaded({
      turns: { max_queued: 1 },
      leases: { expire_after: "1m" },
    });
    assert.deepEqual(
      [preview, outcome],
      Array(2).fill({ kind: "restart", restart: ["leases.expire_after"], untouched: ["turns"] }),
    );
    assert.deepEqual(taken, []);
    assert.deepEqual([said[0]?.["restart"], said[0]?.["untouched"]], [["leases.expire_after"], ["turns"]]);
  });

  it("changes nothing when it can't be applied in the end", async () => {
    const fault = new Error("no");
    const lines: unknown[] = [];
    const now = await loadSettings(FIXED);
    const reloader = new Reloader({
      file: {
        path: "/config.yaml",
        load: () => loadSettings({ ...FIXED, turns: { max_queued: 1 } }),
        applied: () => assert.fail("applied"),
      },
      now: () => now,
      prepare: () => Promise.reject(fault),
      log: pino({ base: null }, { write: (line: string) => lines.push(line) }),
    });
    await assert.rejects(reloader.apply(), fault);
    assert.match(String(lines[0]), /could not be applied; the old one stays in force/);
    await assert.rejects(reloader.apply(), fault, "a fault does not end the later ones");
  });

  it("is applied at one wish after the other, each with whoever wishes it", async () => {
    const log: string[] = [];
    let now = await loadSettings(FIXED);
    const reloader = new Reloader({
      file: {
        path: "/config.yaml",
        load: async () => {
          log.push("load");
          return loadSettings({ ...FIXED, turns: { max_queued: 1 } });
        },
        applied: (next) => {
          now = next;
        },
      },
      now: () => now,
      prepare: async (_next, changed, by) => {
        await setImmediate();
        return () => log.push(`${changed.join(",")} by ${by ?? "nobody"}`);
      },
      log: pino({ level: "silent" }),
    });
    const outcomes = await Promise.all([reloader.apply("local:ann"), reloader.apply("@bob:example.org")]);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ["applied", "unchanged"],
    );
    assert.deepEqual(log, ["load", "turns by local:ann", "load"]);
  });
});
