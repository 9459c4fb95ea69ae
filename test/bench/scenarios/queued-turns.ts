import { eventually } from "../../support/eventually.ts";
import { ask, openChats, type Chat } from "../asking.ts";
import { answerCosts, type AnswerCosts } from "../measuring/answer-costs.ts";
import { openStatements, STATEMENT_SETTINGS } from "../measuring/statements.ts";
import { startStage, type Stage } from "../stage.ts";

/** An encrypted answer while this many questions to the same agent wait in another chat. */
export interface AnswerBesideQueue extends AnswerCosts {
  readonly queued: number;
}

/** The questions of one measurement. */
const QUESTIONS = 20;

/** A model of the other chat, which never answers. */
const STUCK = "stuck";

/** Measures answers in one chat while these numbers of questions wait in another, in ascending order. */
export async function queuedTurns(sizes: readonly number[]): Promise<AnswerBesideQueue[]> {
  const stage = await startStage({
    agents: 1,
    postgresSettings: STATEMENT_SETTINGS,
    extraConfig: { turns: { max_queued: 1_000 } },
  });
  try {
    stage.model.install(STUCK, { fault: { kind: "stall", atToken: 0 } });
    const statements = await openStatements(stage);
    const [chat, waiting] = [await chatOf(stage, "person"), await chatOf(stage, "waiting")];
    for (let count = 0; count < 3; count++) await ask(chat);
    await waiting.person.sendText({ roomId: waiting.roomId, body: `!model ${STUCK}` });
    await waiting.person.waitMessage({ roomId: waiting.roomId, sender: waiting.agent });
    const found: AnswerBesideQueue[] = [];
    let queued = 0;
    for (const size of sizes) {
      for (; queued < size; queued++) await waiting.person.sendText({ roomId: waiting.roomId, body: `${queued}?` });
      await eventually(
        `${size} questions to wait`,
        async () =>
          (await statements.count("select count(*) from turns where state in ('queued', 'running')")) === size
            ? true
            : undefined,
        { timeoutMs: 120_000 },
      );
      found.push({ queued, ...(await answerCosts(stage, statements, () => ask(chat), QUESTIONS)) });
    }
    await statements.close();
    return found;
  } finally {
    await stage.stop();
  }
}

async function chatOf({ deployment, names }: Stage, localpart: string): Promise<Chat> {
  const person = await deployment.user("js-sdk", localpart);
  const [chat] = await openChats(
    person,
    names.map((name) => deployment.agent(name)),
  );
  if (chat === undefined) throw new Error("there is no agent");
  return chat;
}
