/** MSC4391 "Type schema" of text. */
export const TEXT = { schema_type: "primitive", type: "string" };

/** MSC4391 "Type schema" of one of a few words. */
export function literals(values: readonly string[]): object {
  return {
    schema_type: "union",
    variants: values.map((value) => ({ schema_type: "literal", literal_type: "string", value })),
  };
}
