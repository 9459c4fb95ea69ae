import type { Database, Queryable } from "../database/database.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { Seal, SealedRow, Seals } from "../sealing/seals.ts";
import type { CallFilePlace } from "./call-file.ts";
import type { Turn } from "./turn.ts";

/** The rows of `call_files`: contents of files in results of calls, until they are sent. They go with the turn's steps. */
export class CallFiles {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /** The content of a file; undefined where it can't be opened any more. */
  async content(turn: Pick<Turn, "id" | "ghost">, place: CallFilePlace): Promise<Uint8Array | undefined> {
    const { rows: all } = await this.#database.query<SealedRow & { readonly content: string }>(
      "select content, sealed_by from call_files where turn = $1 and step = $2 and number = $3",
      [turn.id, place.step, place.number],
    );
    const { rows, open } = await this.#seals.open(all);
    const [row] = rows;
    const content = row && unlessBroken(() => open(row, row.content, ...contextOf(turn, place)));
    return content === undefined ? undefined : Buffer.from(content, "base64");
  }
}

/** Writes the files of a call's result, in the transaction that ends it. It starts its only statement at once. */
export async function putCallFiles(
  tx: Queryable,
  seal: Seal,
  turn: Pick<Turn, "id" | "ghost">,
  step: number,
  contents: readonly Uint8Array[],
): Promise<void> {
  const sealed = contents.map((bytes, number) =>
    seal.seal(Buffer.from(bytes).toString("base64"), ...contextOf(turn, { step, number })),
  );
  await tx.query(
    `insert into call_files (turn, step, number, content, sealed_by)
     select $1, $2, (nth - 1)::integer, content, $3 from unnest($4::text[]) with ordinality as files (content, nth)
     on conflict (turn, step, number) do update set content = excluded.content, sealed_by = excluded.sealed_by`,
    [turn.id, step, seal.id, sealed],
  );
}

/** The context that a file is sealed with: see sealing/sealed-text.ts. */
function contextOf({ id, ghost }: Pick<Turn, "id" | "ghost">, { step, number }: CallFilePlace): string[] {
  return ["call_files.content", ghost, String(id), String(step), String(number)];
}
