import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DatabaseError, databaseError } from "../../../src/database/database.ts";

function retryable(code: string | undefined, message = "no"): boolean {
  return databaseError(Object.assign(new Error(message), code === undefined ? {} : { code })).retryable;
}

describe("an error of the database", () => {
  it("is worth another try when the server, its disk, a lock or the connection is the cause", () => {
    for (const code of [
      ...["08006", "40001", "40P01", "53100", "53300", "57P01", "57P03", "57014", "58030"],
      ...["25P03", "25P04", "55P03", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EPIPE"],
    ]) {
      assert.equal(retryable(code), true, code);
    }
    for (const message of ["Connection terminated unexpectedly", "Query read timeout", "Client was closed"]) {
      assert.equal(retryable(undefined, message), true, message);
    }
  });

  it("is not when the statement is the cause", () => {
    for (const code of ["42P01", "42601", "23505", "22P02", "25006", "28P01", "3D000"]) {
      assert.equal(retryable(code), false, code);
    }
    assert.equal(retryable(undefined, "cannot read properties of undefined"), false);
  });

  it("is wrapped once", () => {
    const error = new DatabaseError("gone", { code: "08006", retryable: true });
    assert.equal(databaseError(error), error);
  });
});
