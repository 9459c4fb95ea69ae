import { formFor } from "../ghost/form.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { withAiMark } from "../matrix/ai-mark.ts";
import { questionStep } from "../turns/call-code.ts";
import { DRAFT_STEP } from "../turns/turn-runner.ts";
import { stepOf, type StoppedTurns, type StoppedWait } from "../turns/turn.ts";
import { beginningOf, markOf, targetOf, withNote } from "./answer-messages.ts";
import { answerContent, editContent, noticeContent, type MessageContent } from "./reply.ts";
import type { RoomLanguage } from "./room-language.ts";
import { questionIsOver } from "./tool-question.ts";

/** The surroundings of stopped turns. */
interface Surroundings {
  readonly ghostOf: (userId: string) => Pick<GhostHandle, "send" | "sent">;
  readonly language: RoomLanguage;
  /** Whether a ghost's words are marked as an AI's. */
  readonly isMarked: (ghost: string) => boolean;
}

/**
 * Says at the questions of stopped answers that nobody has to answer them any more, and in their drafts that nothing
 * follows the words so far.
 */
export async function tellStopped(waits: StoppedTurns["waiting"], surroundings: Surroundings): Promise<void> {
  for (const wait of waits) {
    for (const code of wait.codes) await tellQuestion(wait, code, surroundings);
    await tellDraft(wait, surroundings);
  }
}

async function tellQuestion({ turn }: StoppedWait, code: string, { ghostOf, language }: Surroundings): Promise<void> {
  const ghost = ghostOf(turn.ghost);
  const step = stepOf(turn, questionStep(code));
  const question = await ghost.sent(turn.roomId, step);
  if (question === undefined) return;
  const words = await language.words(turn.ghost, turn.roomId);
  const content = questionIsOver(question, words.tools.stopped);
  await ghost.send(turn.roomId, "m.room.message", content, `${step} over`, { form: "of_room" });
}

async function tellDraft(wait: StoppedWait, { ghostOf, language, isMarked }: Surroundings): Promise<void> {
  const { turn, draft } = wait;
  if (draft === undefined) return;
  const { tools } = await language.words(turn.ghost, turn.roomId);
  const content = await finalDraft(wait, tools.stoppedWaiting, isMarked(turn.ghost));
  const step = `${stepOf(turn, DRAFT_STEP)} over`;
  await ghostOf(turn.ghost).send(turn.roomId, "m.room.message", editContent(draft, content), step, {
    form: formFor(turn),
  });
}

async function finalDraft({ turn, said }: StoppedWait, note: string, isMarked: boolean): Promise<MessageContent> {
  if (said === "") return noticeContent(note);
  const words = withNote(await beginningOf(said, turn), note);
  const content = answerContent(words, targetOf(turn, true), { mentions: [], mark: markOf(turn) });
  return isMarked ? withAiMark(content) : content;
}
