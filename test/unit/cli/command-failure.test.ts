import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explainFailure } from "../../../src/cli/command-failure.ts";
import { databaseError } from "../../../src/database/database.ts";
import { HomeserverUnreachable, MatrixError, UnexpectedAnswer } from "../../../src/homeserver/errors.ts";
import { OperatorError } from "../../../src/observability/operator-error.ts";

function refusal(errcode: string, status = 403): MatrixError {
  return new MatrixError("GET whoami", { status, errcode, error: "No.", retryAfterMs: undefined });
}

/** An error as PostgreSQL's driver throws it. */
function ofDriver(message: string, code?: string): Error {
  return databaseError(Object.assign(new Error(message), code === undefined ? {} : { code }));
}

describe("the reason why a command failed", () => {
  for (const [error, words] of [
    [
      new HomeserverUnreachable("GET x", "ECONNREFUSED", "raw"),
      /^the homeserver can't be reached: nothing listens there.*doctor looks closer$/,
    ],
    [new HomeserverUnreachable("GET x", "TIMEOUT", "raw"), /^the homeserver can't be reached: no answer comes in time/],
    [refusal("M_UNKNOWN_TOKEN", 401), /^the homeserver refuses: it does not know the registration's as_token/],
    [
      new MatrixError("GET x", { status: 404, errcode: "M_UNKNOWN", error: "", retryAfterMs: undefined }),
      /^the homeserver answers: GET x: HTTP 404 without an error of Matrix; matrix-agents doctor looks closer$/,
    ],
    [refusal("M_FORBIDDEN"), /^the homeserver refuses: GET whoami: 403 M_FORBIDDEN/],
    [new UnexpectedAnswer("GET x", "the answer is not JSON"), /^the homeserver answers: GET x: the answer is not JSON/],
    [
      ofDriver('password authentication failed for user "x"', "28P01"),
      /database does not do it: PostgreSQL refuses the password/,
    ],
    [ofDriver('database "x" does not exist', "3D000"), /PostgreSQL has no database of that name/],
    [ofDriver("connect ECONNREFUSED 127.0.0.1:5432", "ECONNREFUSED"), /nothing listens there/],
    [ofDriver("timeout exceeded when trying to connect"), /PostgreSQL does not answer in time/],
    [ofDriver("Connection terminated unexpectedly"), /PostgreSQL hung up/],
    [ofDriver("SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"), /asks for a password/],
    [ofDriver("The server does not support SSL connections"), /speaks no TLS/],
    [ofDriver("sorry, too many clients already", "53300"), /no connection left/],
  ] as const) {
    it(`is in words: ${error.message}`, () => {
      const explained = explainFailure(error);
      assert.ok(explained instanceof OperatorError);
      assert.equal(explained.exitCode, 1);
      assert.match(explained.message, words);
      assert.doesNotMatch(explained.message, /raw|SASL|connect E/);
    });
  }

  it("is left as it is where the fault is ours", () => {
    for (const error of [new TypeError("x"), ofDriver('column "x" does not exist', "42703")]) {
      assert.equal(explainFailure(error), error);
    }
  });
});
