import type { CountsByScenario } from "./counts.ts";
import type { AnswersAtSize } from "./scenarios/encrypted-answer.ts";
import type { AnswerInOldDatabase } from "./scenarios/database-age.ts";
import type { Delays } from "./scenarios/delays.ts";
import type { AnswerAfter } from "./scenarios/history.ts";
import type { IdleMemory } from "./scenarios/idle-memory.ts";
import type { KeptRows } from "./scenarios/kept-rows.ts";
import type { AnswerBesideQueue } from "./scenarios/queued-turns.ts";
import type { RoomOfSize } from "./scenarios/room-members.ts";
import type { AnswerInRooms } from "./scenarios/rooms.ts";
import type { SharedDevices } from "./scenarios/shared-devices.ts";
import type { SeveralProcesses } from "./scenarios/processes.ts";
import type { GrowingAnswer } from "./scenarios/live-answers.ts";
import type { Pauses } from "./scenarios/pauses.ts";
import type { StatementCosts } from "./scenarios/statement-costs.ts";
import type { AnswerBesideThreads } from "./scenarios/threads.ts";
import type { Starts } from "./scenarios/starts.ts";

/** The results of the scenarios, by their names; those of scenarios that did not run are missing. */
export interface Measured {
  readonly answer?: AnswersAtSize;
  /** The same with many agents, all asked at once. */
  readonly crowd?: readonly AnswersAtSize[];
  readonly counts?: CountsByScenario;
  readonly statements?: StatementCosts;
  readonly pauses?: Pauses;
  readonly members?: readonly RoomOfSize[];
  readonly devices?: readonly SharedDevices[];
  readonly live?: readonly GrowingAnswer[];
  readonly rooms?: readonly AnswerInRooms[];
  readonly history?: readonly AnswerAfter[];
  readonly threads?: readonly AnswerBesideThreads[];
  readonly queued?: readonly AnswerBesideQueue[];
  readonly age?: readonly AnswerInOldDatabase[];
  readonly starts?: Starts;
  readonly processes?: SeveralProcesses;
  readonly idle?: IdleMemory;
  readonly kept?: KeptRows;
  readonly delays?: Delays;
}
