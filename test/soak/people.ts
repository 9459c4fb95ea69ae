import { setTimeout as sleep } from "node:timers/promises";
import type { Chat } from "../faults/ledger.ts";
import type { World } from "../faults/world.ts";

/** The times at which people talk; between them nobody says anything, and agents leave memory. */
export class TalkingTime {
  #isOver = false;
  #quiet: Promise<void> | undefined;
  #end: (() => void) | undefined;

  /** Whether people go on at all. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nobody begins anything until {@link talk}. */
  rest(): void {
    this.#quiet ??= new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  talk(): void {
    this.#end?.();
    this.#quiet = undefined;
  }

  /** Everybody finishes what they have begun. */
  over(): void {
    this.#isOver = true;
    this.talk();
  }

  /** Resolves when people talk. */
  async wait(): Promise<void> {
    await this.#quiet;
  }
}

/** A room is left after this number of questions, and another one made. */
const QUESTIONS_IN_ROOM = 40;
/** The questions of a person who only looks in. */
const VISITORS_QUESTIONS = 5;
/** Visits are made from this number of accounts, each with a new device at each visit. */
const VISITORS = 3;
/** A new Megolm session now and then, as after a change of devices. */
const ROTATE_EVERY = 15;

const BETWEEN_QUESTIONS_MS = 1_000;
const BETWEEN_VISITS_MS = 5_000;

/** A person who stays talks with the agent, in one room after the other, until it is over. */
export async function stay(world: World, first: Chat, time: TalkingTime): Promise<void> {
  let chat = first;
  for (let count = 1; !time.isOver; count++) {
    await time.wait();
    if (count % ROTATE_EVERY === 0) await chat.person.rotateSession(chat.roomId);
    await world.ledger.ask(chat, `question ${count}`);
    await world.ledger.settleIn(chat);
    if (count % QUESTIONS_IN_ROOM === 0) {
      await leave(world, chat);
      chat = await world.openChat(chat.person);
    }
    await sleep(BETWEEN_QUESTIONS_MS);
  }
  await world.ledger.finish(chat);
}

/** People come one after the other with new devices, open a room, ask, leave the room and log out. */
export async function visits(world: World, time: TalkingTime): Promise<number> {
  let count = 0;
  for (; !time.isOver; count++) {
    await time.wait();
    // The identity of an account is on the device that made it, so the next one is not signed.
    const person = await world.deployment.user("js-sdk", `visitor${count % VISITORS}`, { unsigned: true });
    const chat = await world.openChat(person);
    for (let question = 1; question <= VISITORS_QUESTIONS; question++) {
      await world.ledger.ask(chat, `question ${question} of visit ${count}`);
      await world.ledger.settleIn(chat);
    }
    await leave(world, chat);
    await person.request("POST", "/v3/logout", {});
    await person.stop();
    await sleep(BETWEEN_VISITS_MS);
  }
  return count;
}

async function leave(world: World, chat: Chat): Promise<void> {
  await world.ledger.finish(chat);
  await chat.person.leave(chat.roomId);
}
