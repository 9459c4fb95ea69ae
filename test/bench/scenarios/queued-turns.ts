import { eventually } from "../../support/eventually.ts";
import { ask } from "../asking.ts";
import { chatOf, onMeasuredStage } from "../measured-stage.ts";
import { answerCosts, type AnswerCosts } from "../measuring/answer-costs.ts";

/** An encrypted answer while this many questions to the same agent wait in another chat. */
export interface AnswerBesideQueue extends AnswerCosts {
  readonly queued: number;
}

/** The questions of one measurement. */
const QUESTIONS = 20;

/** A model of the other chat, which never answers. */
const STUCK = "stuck";

const WAITING = "select count(*) from turns where state in ('queued', 'running')";

/** Measures answers in one chat while these numbers of questions wait in another, in ascending order. */
export function queuedTurns(sizes: readonly number[]): Promise<AnswerBesideQueue[]> {
  return onMeasuredStage(
    async (on) => {
      const { stage, statements } = on;
      stage.model.install(STUCK, { fault: { kind: "stall", atToken: 0 } });
      const [chat, { person, roomId, agent }] = [await chatOf(on, "person"), await chatOf(on, "waiting")];
      for (let count = 0; count < 3; count++) await ask(chat);
      await person.sendText({ roomId, body: `!model ${STUCK}` });
      await person.waitMessage({ roomId, sender: agent });
      const found: AnswerBesideQueue[] = [];
      let queued = 0;
      for (const size of sizes) {
        for (; queued < size; queued++) await person.sendText({ roomId, body: `${queued}?` });
        const areWaiting = async (): Promise<boolean> => (await statements.count(WAITING)) === size;
        await eventually(`${size} questions to wait`, areWaiting, { timeoutMs: 120_000 });
        found.push({ queued, ...(await answerCosts(on, () => ask(chat), QUESTIONS)) });
      }
      return found;
    },
    { extraConfig: { turns: { max_queued: 1_000 } } },
  );
}
