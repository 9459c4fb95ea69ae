import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rowsOf } from "../../../../src/crypto/store/contents.ts";
import { NotStorable } from "../../../../src/crypto/store/errors.ts";

describe("rowsOf", () => {
  it("keeps the last change of each record", () => {
    const rows = rowsOf([
      { kind: "put", store: "s", key: "put, put", value: 1 },
      { kind: "put", store: "s", key: "put, delete", value: 1 },
      { kind: "delete", store: "s", key: "delete, put" },
      { kind: "put", store: "s", key: "put, put", value: 2 },
      { kind: "delete", store: "s", key: "put, delete" },
      { kind: "put", store: "s", key: "delete, put", value: 2 },
    ]);
    assert.deepEqual(Object.fromEntries(rows.map(({ key, value }) => [JSON.parse(key), value])), {
      "put, put": "2",
      "put, delete": null,
      "delete, put": "2",
    });
  });

  it("distinguishes records of different stores and keys of different types", () => {
    const rows = rowsOf([
      { kind: "put", store: "a", key: "1", value: "x" },
      { kind: "put", store: "b", key: "1", value: "x" },
      { kind: "put", store: "a", key: 1, value: "x" },
      { kind: "put", store: "a", key: ["1"], value: "x" },
    ]);
    assert.equal(rows.length, 4);
  });

  it("distinguishes a stored null from a deletion", () => {
    const [row] = rowsOf([{ kind: "put", store: "s", key: "k", value: null }]);
    assert.deepEqual(row, { store: "s", key: '"k"', value: "null" });
  });

  it("refuses data that JSON would change, in values and in keys", () => {
    assert.throws(() => rowsOf([{ kind: "put", store: "s", key: "k", value: [undefined] }]), NotStorable);
    assert.throws(() => rowsOf([{ kind: "delete", store: "s", key: new Date(0) }]), NotStorable);
  });
});
