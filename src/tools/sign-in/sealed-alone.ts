import type { Queryable } from "../../database/database.ts";
import { SealBroken } from "../../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../../sealing/seals.ts";

/**
 * The words of one row; undefined where they, or their key, can't be opened any more: the row is then as good as gone. Throws
 * MasterKeyError and DatabaseError.
 *
 * @param context the one that the row was sealed with.
 * @param tx the transaction in which the row was read, if any.
 */
export async function openAlone(
  seals: Seals,
  row: SealedRow & { readonly body: string },
  context: readonly string[],
  tx?: Queryable,
): Promise<string | undefined> {
  try {
    const { rows, open } = await seals.open([row], tx);
    return rows.length === 0 ? undefined : open(row, row.body, ...context);
  } catch (error) {
    if (error instanceof SealBroken) return undefined;
    throw error;
  }
}
