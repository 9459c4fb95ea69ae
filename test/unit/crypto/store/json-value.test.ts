import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NotStorable } from "../../../../src/crypto/store/errors.ts";
import { toJson } from "../../../../src/crypto/store/json-value.ts";

describe("toJson", () => {
  const storable: [string, unknown][] = [
    ["null", null],
    ["a string with a NUL and half a surrogate pair", "a\u0000b\ud800"],
    ["the largest safe integer", Number.MAX_SAFE_INTEGER],
    ["a fraction", 0.1],
    ["nested objects and arrays", { a: [1, { b: [] }, null, "x"], "": {} }],
    ["an own property named __proto__", JSON.parse('{"__proto__": 1}')],
  ];
  for (const [what, value] of storable) {
    it(`keeps ${what}`, () => assert.deepStrictEqual(JSON.parse(toJson(value)), value));
  }

  const lost: [string, unknown, RegExp][] = [
    ["undefined", undefined, /value is undefined/],
    ["undefined in an array", [undefined], /value\[0\] is undefined/],
    ["undefined in an object", { a: { b: undefined } }, /value\.a\.b is undefined/],
    // eslint-disable-next-line no-sparse-arrays -- a hole is what is tested
    ["a hole in an array", [1, , 3], /value\[1\] is undefined/],
    ["an array with a name", Object.assign([1], { name: 1 }), /further properties/],
    ["NaN", { a: NaN }, /value\.a is NaN/],
    ["an infinity", [-Infinity], /value\[0\] is -Infinity/],
    ["a negative zero", -0, /value is -0/],
    ["a big integer", 1n, /value is bigint/],
    ["a typed array", { key: new Uint8Array(2) }, /value\.key is object Uint8Array/],
    ["a buffer", new ArrayBuffer(2), /value is object ArrayBuffer/],
    ["a date", new Date(0), /value is object Date/],
    ["a map", new Map(), /value is object Map/],
    ["an object with a prototype of its own", Object.create({ a: 1 }), /value is object Object/],
    ["an object with a symbol", { [Symbol("s")]: 1 }, /symbol keys/],
    ["a function", { toJSON: () => 1 }, /value\.toJSON is function/],
  ];
  for (const [what, value, says] of lost) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => toJson(value),
        (error) => error instanceof NotStorable && says.test(error.message),
      );
    });
  }
});
