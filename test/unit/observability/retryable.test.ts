import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeviceClosed } from "../../../src/crypto/device-closed.ts";
import { UnsupportedEncryption } from "../../../src/crypto/room-encryptor.ts";
import { type DatabaseError, databaseError } from "../../../src/database/database.ts";
import { isRetryable } from "../../../src/observability/retryable.ts";
import { HomeserverUnreachable, MatrixError, UnexpectedAnswer } from "../../../src/homeserver/errors.ts";

function answered(status: number): MatrixError {
  return new MatrixError("PUT /x", { status, errcode: "M_UNKNOWN", error: "", retryAfterMs: undefined });
}

function thrown(message: string, code?: string): DatabaseError {
  return databaseError(Object.assign(new Error(message), code === undefined ? {} : { code }));
}

describe("an error after which the same may work later", () => {
  const cases: [string, Error][] = [
    ["a server that is overloaded or being restarted", answered(502)],
    ["a server that asks for patience", answered(429)],
    ["a server that is not there", new HomeserverUnreachable("PUT /x", "ECONNREFUSED", "refused")],
    ["a database that is being stopped", thrown("terminating connection", "57P01")],
    ["a database that is not there", thrown("connect ECONNREFUSED", "ECONNREFUSED")],
    ["a deadlock", thrown("deadlock detected", "40P01")],
    ["a connection that ended", thrown("Connection terminated unexpectedly")],
    ["a connection that had ended before", thrown("Client has encountered a connection error and is not queryable")],
    ["a device that is loaded again", new DeviceClosed("closed")],
  ];
  for (const [name, error] of cases) it(`after ${name}`, () => assert.ok(isRetryable(error)));
});

describe("an error after which the same will never work", () => {
  const cases: [string, unknown][] = [
    ["a refusal", answered(403)],
    ["an invalid answer", new UnexpectedAnswer("PUT /x", "no JSON")],
    ["a statement that is wrong", thrown("invalid byte sequence", "22021")],
    ["an encryption that we do not speak", new UnsupportedEncryption("x")],
    ["a mistake of ours", new TypeError("undefined is not a function")],
    ["a value that is no error", "ECONNREFUSED"],
  ];
  for (const [name, error] of cases) it(`after ${name}`, () => assert.ok(!isRetryable(error)));
});
