/** The longest kept form, in characters; a longer one is dropped. */
const LONGEST_KEPT = 262_144;

/**
 * A server's own form of a model's thoughts before calls: signatures, and blocks that it wants back unchanged with the
 * results. Undefined where there is nothing to keep, or too much.
 *
 * @param by the provider and model, who alone get it back.
 */
export function keep(by: string, value: object | undefined): string | undefined {
  if (value === undefined) return undefined;
  const kept = JSON.stringify({ by, value });
  return kept.length > LONGEST_KEPT ? undefined : kept;
}

/** What {@link keep} kept of the same provider and model; undefined for anything else. */
export function keptOf(by: string, kept: string | undefined): object | undefined {
  if (kept === undefined) return undefined;
  const read = JSON.parse(kept) as { readonly by: string; readonly value: object };
  return read.by === by ? read.value : undefined;
}
