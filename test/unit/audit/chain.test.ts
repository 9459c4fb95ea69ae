import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { detailsOf, type AuditRow } from "../../../src/audit/audit-entry.ts";
import { ChainCheck, hashOf, type Break, type ChainHead } from "../../../src/audit/chain.ts";

function chainOf(length: number): AuditRow[] {
  const rows: AuditRow[] = [];
  for (let seq = 1; seq <= length; seq++) {
    const row = {
      seq,
      at: new Date(1_000 * seq),
      kind: "identity.reset",
      details: `{"ghost":"@agent_${seq}:hs"}`,
      previous: rows.at(-1)?.hash ?? "",
    };
    rows.push({ ...row, hash: hashOf(row) });
  }
  return rows;
}

function headOf(rows: readonly AuditRow[]): ChainHead {
  const { seq = 0, hash = "" } = rows.at(-1) ?? {};
  return { seq, hash };
}

function check(rows: readonly AuditRow[], head = headOf(rows), kept?: ChainHead): Break | undefined {
  const check = new ChainCheck(kept);
  for (const row of rows) check.follow(row);
  return check.end(head);
}

/** The rows after somebody has computed all hashes again. */
function rechained(rows: readonly AuditRow[]): AuditRow[] {
  const made: AuditRow[] = [];
  for (const row of rows) {
    const linked = { ...row, seq: made.length + 1, previous: made.at(-1)?.hash ?? "" };
    made.push({ ...linked, hash: hashOf(linked) });
  }
  return made;
}

describe("the chain of the audit log", () => {
  const rows = chainOf(5);
  const head = headOf(rows);

  it("is whole as it was made, also when it is empty or has grown since the head was kept", () => {
    assert.equal(check([]), undefined);
    assert.equal(check(rows), undefined);
    assert.equal(check(rows, head, headOf(rows.slice(0, 3))), undefined);
  });

  it("breaks where any part of a row was changed", () => {
    const changes: Partial<AuditRow>[] = [
      { at: new Date(5) },
      { kind: "device.new" },
      { details: "{}" },
      { previous: "0" },
      { hash: "0" },
    ];
    for (const change of changes) {
      const changed = rows.map((row) => (row.seq === 3 ? { ...row, ...change } : row));
      assert.deepEqual(check(changed, head), { seq: 3, how: "changed" }, JSON.stringify(change));
    }
  });

  it("breaks where rows were removed, at the beginning, in the middle and at the end", () => {
    for (const gone of [1, 3, 5]) {
      const left = rows.filter(({ seq }) => seq !== gone);
      assert.deepEqual(check(left, head), { seq: gone, how: "missing" });
    }
    assert.deepEqual(check([], head), { seq: 1, how: "missing" });
  });

  it("breaks where rows have changed places, their numbers with them or not", () => {
    const [first, second, third, fourth, fifth] = rows as [AuditRow, AuditRow, AuditRow, AuditRow, AuditRow];
    const swapped = [first, { ...third, seq: 2 }, { ...second, seq: 3 }, fourth, fifth];
    assert.deepEqual(check(swapped, head), { seq: 2, how: "changed" });
    const remade = { ...third, seq: 2 };
    assert.deepEqual(check([first, { ...remade, hash: hashOf(remade) }, third, fourth, fifth], head), {
      seq: 2,
      how: "replaced",
    });
  });

  it("breaks where a row was changed and its hash computed again", () => {
    const changed = rows.map((row) =>
      row.seq === 3 ? { ...row, details: "{}", hash: hashOf({ ...row, details: "{}" }) } : row,
    );
    assert.deepEqual(check(changed, head), { seq: 4, how: "replaced" });
  });

  it("breaks where rows were added after its end", () => {
    assert.deepEqual(check(rows, headOf(rows.slice(0, 4))), { seq: 5, how: "added" });
  });

  it("that was written again as a whole is noticed only by a head that was kept elsewhere", () => {
    const forged = rechained(rows.map((row) => (row.seq === 2 ? { ...row, details: "{}" } : row)));
    assert.equal(check(forged), undefined);
    assert.deepEqual(check(forged, headOf(forged), head), { seq: 5, how: "replaced" });
    const shortened = rows.slice(0, 4);
    assert.equal(check(shortened), undefined);
    assert.deepEqual(check(shortened, headOf(shortened), head), { seq: 5, how: "missing" });
  });
});

describe("the content of an audit entry", () => {
  it("is cut where it is longer than any id, and is always JSON", () => {
    const details = detailsOf({
      kind: "refused",
      what: "invite",
      by: `@${"x".repeat(10_000)}\0\ud800`,
      reason: "not_allowed",
      ghost: undefined,
    });
    assert.deepEqual(JSON.parse(details), { what: "invite", by: `@${"x".repeat(254)}`, reason: "not_allowed" });
    const many = detailsOf({ kind: "config.reloaded", changed: Array.from({ length: 500 }, (_, n) => `a.${n}`) });
    assert.equal((JSON.parse(many) as { changed: string[] }).changed.length, 100);
  });
});
