import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { databaseError } from "../../../src/database/database.ts";
import { describeError, printError } from "../../../src/observability/described-error.ts";

const SAID = "quagga";

/** The error that a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** As node-postgres makes them. */
function postgresError(code: string, message: string): Error {
  return Object.assign(new Error(message), {
    name: "error",
    severity: "ERROR",
    code,
    detail: `Key (body)=(${SAID}) already exists.`,
    where: `unnamed portal parameter $1 = '${SAID}'`,
    parameters: [SAID],
  });
}

describe("an error in the log", () => {
  for (const [what, error] of [
    ["text that is no JSON", thrownBy(() => JSON.parse(`${SAID} and more`))],
    ["JSON with text after it", thrownBy(() => JSON.parse(`{"a":1}\n${SAID}`))],
    ["a header that can't be sent", thrownBy(() => new Headers({ authorization: `Bearer ${SAID}\n\u20ac` }))],
    ["a value of PostgreSQL's", postgresError("22P02", `invalid input syntax for type integer: "${SAID}"`)],
    ["a row of PostgreSQL's", postgresError("23505", 'duplicate key value violates unique constraint "messages_key"')],
    ["the engine's reading", new Error(`invalid type: string "${SAID}", expected a map at line 1 column 9`)],
    ["the engine's choice", new Error(`unknown variant \`${SAID}\`, expected one of \`a\`, \`b\``)],
    ["a quote that does not end", new Error(`cannot read "${SAID}\n and more`)],
    ["text that was thrown", `cannot read "${SAID}"`],
    ["a value that is no error", { body: SAID }],
    ["several at once", new AggregateError([new Error(SAID)], "all failed")],
  ] as const) {
    it(`about ${what} repeats nothing of it`, () => {
      for (const one of [error, new Error("it failed", { cause: error }), databaseError(error)]) {
        assert.doesNotMatch(JSON.stringify(describeError(one)), new RegExp(SAID));
        assert.doesNotMatch(printError(one), new RegExp(SAID));
      }
    });
  }

  it("has its kind, its code, the place where it was made, and its causes", () => {
    const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" });
    const { stack, ...told } = describeError(new TypeError("fetch failed", { cause }));
    const { cause: behind, ...rest } = told;
    assert.deepEqual(rest, { type: "TypeError", message: "fetch failed" });
    assert.match(stack ?? "", /^ {4}at .*described-error\.test\.ts/);
    assert.equal(behind?.message, "connect ECONNREFUSED 127.0.0.1:5432");
    assert.equal(behind.code, "ECONNREFUSED");
  });

  it("is told in words where no error was thrown", () => {
    assert.deepEqual(describeError(`bad "${SAID}"`), { type: "Error", message: 'bad "…"' });
    assert.deepEqual(describeError({ message: SAID }), {
      type: "Error",
      message: "an object that is no error was thrown",
    });
    assert.deepEqual(describeError({ name: "RuntimeError", message: `unreachable "${SAID}"` }), {
      type: "RuntimeError",
      message: 'unreachable "…"',
    });
    assert.deepEqual(describeError(undefined), { type: "Error", message: "undefined was thrown" });
  });

  it("has an end though its causes form a circle", () => {
    const error = new Error("a circle");
    error.cause = error;
    assert.ok(JSON.stringify(describeError(error)).length < 20_000);
  });
});
