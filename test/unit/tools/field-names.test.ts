import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fieldNames, foldedName } from "../../../src/tools/field-names.ts";
import { readFormAnswer } from "../../../src/tools/form-answer.ts";
import { readForm } from "../../../src/tools/input-form.ts";

/** Sets of fields whose names may be taken for each other, with those by which people fill them in. */
const FAMILIES: Readonly<Record<string, readonly (readonly [key: string, name: string])[]>> = {
  "a made name that is there": [
    ["first name", "field1_1"],
    ["field1", "field1"],
  ],
  "two made names that are there": [
    ["first name", "field1_1_1"],
    ["field1", "field1"],
    ["field1_1", "field1_1"],
  ],
  "a made name that is there in capital letters": [
    ["FIELD2", "FIELD2"],
    ["x y", "field2_2"],
  ],
  "made names that meet": [
    ["field2_2", "field2_2"],
    ["a b", "field2_2_2"],
    ["field2", "field2"],
  ],
  "capital and small letters": [
    ["City", "field1"],
    ["city", "field2"],
    ["zip", "zip"],
  ],
  "capital and small made names": [
    ["field3", "field1"],
    ["Field3", "field2"],
    ["?", "field3_3"],
  ],
  "letters of two parts": [
    ["caf\u00e9", "caf\u00e9"],
    ["cafe\u0301", "field2"],
  ],
  "wide letters": [
    ["\uff41", "field1"],
    ["a", "field2"],
  ],
  "letters that have one capital": [
    ["k", "field1"],
    ["\u212a", "field2"],
    ["\u017f", "field3"],
    ["s", "field4"],
    ["\u03c3", "field5"],
    ["\u03c2", "field6"],
    ["stra\u00dfe", "field7"],
    ["STRASSE", "field8"],
  ],
  "letters that nobody sees": [
    ["a", "a"],
    ["a\u3164", "field2"],
    ["\u115f", "field3"],
    ["\uffa0", "field4"],
  ],
  "signs that are dropped": [
    ["ab", "ab"],
    ["a\u200bb", "field2"],
    ["a\u202eb", "field3"],
    ["a\u00adb", "field4"],
  ],
  "signs of formatting": [
    ["a", "a"],
    ["`a`", "field2"],
    ["*a*", "field3"],
    ["a:", "field4"],
    ["a=", "field5"],
  ],
  "nothing but blanks": [
    ["", "field1"],
    [" ", "field2"],
    ["\n", "field3"],
  ],
  "long names with one beginning": [
    ["x".repeat(40), "x".repeat(40)],
    ["x".repeat(41), "field2"],
    ["x".repeat(42), "field3"],
  ],
  "names of JavaScript": [
    ["__proto__", "__proto__"],
    ["constructor", "constructor"],
    ["toString", "toString"],
  ],
};

describe("the names by which people fill in a form", () => {
  for (const [what, fields] of Object.entries(FAMILIES)) {
    it(`are different where there are ${what}, and each means its own field`, () => {
      const keys = fields.map(([key]) => key);
      const names = fieldNames(keys);
      assert.deepEqual(
        names,
        fields.map(([, name]) => name),
      );
      assert.equal(new Set(names.map(foldedName)).size, names.length);
      // As JSON has it: only so `__proto__` is a field.
      const properties = JSON.parse(
        `{${keys.map((key) => `${JSON.stringify(key)}:{"type":"string"}`).join(",")}}`,
      ) as Record<string, unknown>;
      const form = readForm({ type: "object", properties });
      assert.ok(form);
      assert.deepEqual(
        form.map(({ key, name }) => [key, name]),
        fields,
      );
      for (const [key, name] of fields)
        for (const written of [name, name.toUpperCase(), name.normalize("NFD"), `\`${name}\``]) {
          const answer = readFormAnswer(form, `${written}: here`);
          assert.ok(answer.kind === "right", written);
          assert.deepEqual(Object.entries(answer.content), [[key, "here"]], written);
        }
    });
  }
});
