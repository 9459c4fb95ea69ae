import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readFormAnswer } from "../../../src/tools/form-answer.ts";
import { readForm } from "../../../src/tools/input-form.ts";
import type { FormField } from "../../../src/turns/call-input.ts";

function fields(properties: Record<string, unknown>, required: readonly string[] = []): readonly FormField[] {
  const read = readForm({ type: "object", properties, required });
  assert.ok(read);
  return read;
}

/** The content, or the fault with its field. */
function read(form: readonly FormField[], words: string): unknown {
  const answer = readFormAnswer(form, words);
  if (answer.kind === "right") return answer.content;
  const { fault } = answer;
  return "field" in fault
    ? `${fault.kind} ${fault.field.name}`
    : "words" in fault
      ? `${fault.kind} ${fault.words}`
      : fault.kind;
}

/** One value for one field. */
const one = (schema: Record<string, unknown>, words: string): unknown => {
  const content = read(fields({ a: schema }, ["a"]), words);
  return typeof content === "object" ? (content as { a: unknown }).a : content;
};

describe("an answer to a tool's question", () => {
  it("is the value of the only field, as it is", () => {
    assert.equal(one({ type: "string" }, "  Berlin, or so: b=c\nor Bonn  "), "Berlin, or so: b=c\nor Bonn");
    assert.equal(one({ type: "string" }, ""), "missing a");
    assert.deepEqual(read(fields({ a: { type: "string" } }), ""), {});
    assert.deepEqual(read(fields({ a: { type: "string", default: "x" } }, ["a"]), ""), { a: "x" });
  });

  it("fits the field", () => {
    const text = { type: "string" };
    const right: readonly (readonly [Record<string, unknown>, string, unknown])[] = [
      [{ ...text, minLength: 2, maxLength: 2 }, "👍👍", "👍👍"],
      [{ ...text, format: "email" }, "ann.b+c@mail.example.org", "ann.b+c@mail.example.org"],
      [{ ...text, format: "uri" }, "https://example.org/a?b#c", "https://example.org/a?b#c"],
      [{ ...text, format: "date" }, "2028-02-29", "2028-02-29"],
      [{ ...text, format: "date-time" }, "2027-01-31T23:59:60+02:00", "2027-01-31T23:59:60+02:00"],
      [{ type: "number" }, "-1.5e3", -1500],
      [{ type: "integer", minimum: 1, maximum: 3 }, "3", 3],
      [{ type: "boolean" }, "Yes", true],
      [{ type: "boolean" }, "nein", false],
      [{ type: "boolean" }, "false", false],
      [{ ...text, enum: ["Red", "red"] }, "red", "red"],
      [{ ...text, oneOf: [{ const: "#f00", title: "Red" }] }, "red", "#f00"],
      [{ type: "array", items: { enum: ["a", "b", "c, d"] } }, "B, a", ["b", "a"]],
      [{ type: "array", items: { enum: ["a", "c, d"] } }, "c, d", ["c, d"]],
      [{ type: "array", items: { enum: ["a", "b"] }, maxItems: 1 }, "a; a", ["a"]],
    ];
    for (const [schema, words, value] of right) assert.deepEqual(one(schema, words), value, words);
    const wrong: readonly (readonly [Record<string, unknown>, string])[] = [
      [{ ...text, minLength: 3 }, "👍👍"],
      [{ ...text, maxLength: 1 }, "ab"],
      [{ ...text, format: "email" }, "ann@"],
      [{ ...text, format: "email" }, "ann@b@c"],
      [{ ...text, format: "email" }, "<ann@example.org>"],
      [{ ...text, format: "uri" }, "example.org"],
      [{ ...text, format: "uri" }, "https://a b"],
      [{ ...text, format: "date" }, "2027-02-29"],
      [{ ...text, format: "date" }, "31.1.2027"],
      [{ ...text, format: "date-time" }, "2027-01-31T10:00:00"],
      [{ ...text, format: "date-time" }, "2027-01-31T25:00:00Z"],
      [{ type: "number" }, "1,5"],
      [{ type: "number" }, "1e999"],
      [{ type: "number" }, "NaN"],
      [{ type: "number" }, "0x10"],
      [{ type: "integer" }, "1.5"],
      [{ type: "integer" }, "9007199254740993"],
      [{ type: "integer", minimum: 1 }, "0"],
      [{ type: "boolean" }, "perhaps"],
      [{ ...text, enum: ["Red"] }, "Blue"],
      [{ ...text, enum: ["Red", "RED"] }, "rEd"],
      [{ type: "array", items: { enum: ["a", "b"] }, minItems: 2 }, "a"],
      [{ type: "array", items: { enum: ["a", "b"] }, maxItems: 1 }, "a, b"],
      [{ type: "array", items: { enum: ["a"] } }, "a, c"],
    ];
    for (const [schema, words] of wrong) assert.equal(one(schema, words), "unfit a", words);
  });

  it("names each of several fields in a line, or several of them by =", () => {
    const form = fields({ city: { type: "string" }, Days: { type: "integer" }, note: { type: "string" } }, ["city"]);
    const whole = { city: "Bad Homburg", Days: 3, note: "at 10:00, a=b" };
    assert.deepEqual(read(form, "city: Bad Homburg\ndays: 3\nnote: at 10:00, a=b"), whole);
    assert.deepEqual(read(form, "- **city**: Bad Homburg\n\n* `days` = 3\n  NOTE:at 10:00, a=b"), whole);
    assert.deepEqual(read(form, 'city="Bad Homburg" days=3 note=at 10:00, a=b'), whole);
    assert.deepEqual(read(form, "days: 3\ncity: x\nnote:"), { city: "x", Days: 3 });
    assert.equal(read(form, "days: 3"), "missing city");
    assert.equal(read(form, "city: x\ndays: some"), "unfit Days");
    assert.equal(read(form, "city: x\ncity: y"), "twice city");
    assert.equal(read(form, "Berlin"), "no_field Berlin");
    assert.equal(read(form, `city: x\n${"y".repeat(100)}`), `no_field ${"y".repeat(30)}`);
    assert.equal(read(form, "__proto__: x\ncity: y"), "no_field __proto__: x");
  });

  it("has a field of its own under whatever name", () => {
    const form = fields(JSON.parse('{"__proto__":{"type":"string"},"b":{"type":"string"}}') as Record<string, unknown>);
    assert.equal(JSON.stringify(read(form, "__proto__: x\nb: y")), '{"__proto__":"x","b":"y"}');
  });

  it("is nothing where nothing is asked but a yes", () => {
    assert.deepEqual(read([], ""), {});
    assert.equal(read([], "yes"), "nothing_asked");
  });
});
