import pg from "pg";
import { ask, openChats } from "../asking.ts";
import { startStage } from "../stage.ts";

/** The data that answers leave in the database: rows, their indexes and their oversized values. */
export interface KeptRows {
  readonly answers: number;
  /** Bytes for each answer, by table, without tables that did not grow. */
  readonly byTable: Readonly<Record<string, number>>;
  /** The sum without the memory of conversations, which `memory.retention` bounds. */
  readonly megabytesPerThousand: number;
}

/** The agents' memory of their conversations; the admin and the room set its retention. */
const BY_RETENTION = ["messages", "summaries"];

const AGENTS = 4;

/** Asks in direct chats, side by side, and looks at the tables before and after, each rewritten without gaps. */
export async function keptRows(questions: number): Promise<KeptRows> {
  const stage = await startStage({ agents: AGENTS });
  const { deployment } = stage;
  try {
    const person = await deployment.user("js-sdk", "person");
    const chats = await openChats(
      person,
      stage.names.map((name) => deployment.agent(name)),
    );
    const askAll = async (times: number): Promise<void> => {
      await Promise.all(
        chats.map(async (chat) => {
          for (let count = 0; count < times; count++) await ask(chat);
        }),
      );
    };
    await askAll(5);
    const url = deployment.settings.database ?? "";
    const before = await sizesOf(url);
    await askAll(questions);
    const after = await sizesOf(url);
    const answers = questions * chats.length;
    const grown = [...after]
      .map(([table, bytes]) => [table, (bytes - (before.get(table) ?? 0)) / answers] as const)
      .filter(([, bytes]) => bytes > 0)
      .toSorted(([, a], [, b]) => b - a);
    const kept = grown.filter(([table]) => !BY_RETENTION.includes(table)).reduce((sum, [, bytes]) => sum + bytes, 0);
    return { answers, byTable: Object.fromEntries(grown), megabytesPerThousand: kept / 1_000 };
  } finally {
    await stage.stop();
  }
}

/** The size of each table with its indexes, in bytes. */
async function sizesOf(url: string): Promise<ReadonlyMap<string, number>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("vacuum full");
    const { rows } = await client.query<{ table: string; bytes: string }>(
      `select relname as table, pg_total_relation_size(oid) as bytes from pg_class
       where relkind = 'r' and relnamespace = 'public'::regnamespace`,
    );
    return new Map(rows.map(({ table, bytes }) => [table, Number(bytes)]));
  } finally {
    await client.end();
  }
}
