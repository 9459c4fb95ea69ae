import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readForm } from "../../../src/tools/input-form.ts";

const form = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  readForm({ type: "object", properties, ...more });

describe("the form of a tool's question", () => {
  it("has each kind of field of the protocol, with its bounds, choices and fallback", () => {
    const fields = form(
      {
        name: {
          type: "string",
          title: "Name",
          description: "Your name",
          minLength: 3,
          maxLength: 50,
          pattern: "^(a+)+$",
        },
        mail: { type: "string", format: "email", default: "a@example.org" },
        page: { type: "string", format: "uri" },
        day: { type: "string", format: "date" },
        moment: { type: "string", format: "date-time" },
        price: { type: "number", minimum: 0.5, maximum: 9.5 },
        count: { type: "integer", minimum: 1, default: 2 },
        sure: { type: "boolean", default: false },
        color: { type: "string", enum: ["Red", "Green"], enumNames: ["Warm", "Cold"], default: "Red" },
        size: { type: "string", oneOf: [{ const: "s", title: "Small" }, { const: "l" }] },
        some: { type: "array", minItems: 1, maxItems: 2, items: { type: "string", enum: ["a", "b"] }, default: ["a"] },
        more: { type: "array", items: { anyOf: [{ const: "x", title: "Ex" }] } },
      },
      { required: ["name", "sure"] },
    );
    assert.deepEqual(
      fields?.map(({ name, kind, isRequired, least, most, fallback, choices }) => [
        ...[name, kind, isRequired, least, most, fallback],
        choices.map(({ value, title }) => [value, title]),
      ]),
      [
        ["name", "text", true, 3, 50, undefined, []],
        ["mail", "email", false, undefined, undefined, "a@example.org", []],
        ["page", "address", false, undefined, undefined, undefined, []],
        ["day", "date", false, undefined, undefined, undefined, []],
        ["moment", "time", false, undefined, undefined, undefined, []],
        ["price", "number", false, 0.5, 9.5, undefined, []],
        ["count", "whole_number", false, 1, undefined, 2, []],
        ["sure", "yes_no", true, undefined, undefined, false, []],
        ...[
          [
            "color",
            "choice",
            false,
            undefined,
            undefined,
            "Red",
            [
              ["Red", "Warm"],
              ["Green", "Cold"],
            ],
          ],
        ],
        ...[
          [
            "size",
            "choice",
            false,
            undefined,
            undefined,
            undefined,
            [
              ["s", "Small"],
              ["l", undefined],
            ],
          ],
        ],
        ...[
          [
            "some",
            "choices",
            false,
            1,
            2,
            ["a"],
            [
              ["a", undefined],
              ["b", undefined],
            ],
          ],
        ],
        ["more", "choices", false, undefined, undefined, undefined, [["x", "Ex"]]],
      ],
    );
    assert.deepEqual([fields[0]?.title, fields[0]?.description], ["Name", "Your name"]);
  });

  it("may be empty: then it asks for a yes", () => {
    assert.deepEqual(readForm({ type: "object", properties: {} }), []);
    assert.deepEqual(readForm({ properties: {} }), []);
  });

  it("gives a name to a field whose own can't be written", () => {
    const fields = form({
      "first name": { type: "string" },
      field2: { type: "string" },
      "a\u202eb": { type: "string" },
    });
    assert.deepEqual(
      fields?.map(({ key, name }) => [key, name]),
      [
        ["first name", "field1"],
        ["field2", "field2"],
        ["a\u202eb", "field3"],
      ],
    );
    assert.deepEqual(form({ field2: { type: "string" }, "x y": { type: "string" } })?.[1]?.name, "field2_2");
  });

  it("keeps no fallback that it does not permit itself", () => {
    const fields = form({
      a: { type: "integer", maximum: 3, default: 4 },
      b: { type: "string", enum: ["x"], default: "y" },
      c: { type: "string", default: "x".repeat(501) },
      d: { type: "boolean", default: "yes" },
    });
    assert.deepEqual(
      fields?.map(({ fallback }) => fallback),
      [undefined, undefined, undefined, undefined],
    );
  });

  it("is none where it holds what can't be shown and checked", () => {
    const text = { type: "string" };
    const deep = (depth: number): object =>
      depth === 0 ? text : { type: "object", properties: { a: deep(depth - 1) } };
    const faulty: Record<string, unknown>[] = [
      { a: { $ref: "#/$defs/a" } },
      { a: { ...text, $ref: "https://example.org/schema" } },
      { a: { ...text, allOf: [{ minLength: 3 }] } },
      { a: { ...text, not: { const: "b" } } },
      { a: { ...text, anyOf: [{ const: "x" }] } },
      { a: { type: "object", properties: {} } },
      { a: deep(5_000) },
      { a: { type: ["string", "null"] } },
      { a: {} },
      { a: true },
      { a: "string" },
      { a: { ...text, enum: [] } },
      { a: { ...text, enum: ["x", "x"] } },
      { a: { ...text, enum: ["x", 1] } },
      { a: { ...text, enum: ["x".repeat(101)] } },
      { a: { ...text, enum: Array.from({ length: 41 }, (_, at) => `c${at}`) } },
      { a: { type: "array", items: text } },
      { a: { type: "array", items: { type: "object" } } },
      { a: { type: "array" } },
      { ["k".repeat(257)]: text },
      Object.fromEntries(Array.from({ length: 13 }, (_, at) => [`f${at}`, text])),
      Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`f${at}`, text])),
    ];
    for (const [at, properties] of faulty.entries()) assert.equal(form(properties), undefined, `${at}`);
    const schemas: unknown[] = [
      undefined,
      null,
      [],
      "form",
      { type: "array" },
      { type: "object", properties: [] },
      { type: "object", properties: {}, $ref: "#" },
      { type: "object", properties: {}, allOf: [] },
      { type: "object", properties: {}, oneOf: [{ required: ["a"] }] },
      { type: "object", properties: {}, required: ["a"] },
      { type: "object", properties: { a: text }, required: "a" },
      { type: "object", properties: { a: text }, required: ["toString"] },
      { type: "object", properties: { a: text }, required: Array.from({ length: 10_000 }, () => "a") },
    ];
    for (const [at, schema] of schemas.entries()) assert.equal(readForm(schema), undefined, `${at}`);
  });

  it("holds a field called as a part of every object is", () => {
    const fields = readForm(
      JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}}}'),
    );
    assert.deepEqual(
      fields?.map(({ key }) => key),
      ["__proto__", "constructor"],
    );
  });
});
