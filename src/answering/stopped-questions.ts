import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { questionStep } from "../turns/call-code.ts";
import { stepOf, type StoppedTurns } from "../turns/turn.ts";
import type { RoomLanguage } from "./room-language.ts";
import { questionIsOver } from "./tool-question.ts";

/** Says at the questions of stopped answers that nobody has to answer them any more. */
export async function tellStopped(
  questions: StoppedTurns["questions"],
  ghostOf: (userId: string) => Pick<GhostHandle, "send" | "sent">,
  language: RoomLanguage,
): Promise<void> {
  for (const { turn, code } of questions) {
    const ghost = ghostOf(turn.ghost);
    const step = stepOf(turn, questionStep(code));
    const question = await ghost.sent(turn.roomId, step);
    if (question === undefined) continue;
    const words = await language.words(turn.ghost, turn.roomId);
    const content = questionIsOver(question, words.tools.stopped);
    await ghost.send(turn.roomId, "m.room.message", content, `${step} over`, { form: "of_room" });
  }
}
