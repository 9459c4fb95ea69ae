import assert from "node:assert/strict";
import { Outbox } from "../../src/ghost/outbox.ts";
import type { Lease } from "../../src/leases/leases.ts";
import { questionStep } from "../../src/turns/call-code.ts";
import type { CallInput } from "../../src/turns/call-input.ts";
import type { AskedPerson, CallStep, WaitingCall } from "../../src/turns/turn-step.ts";
import { TurnStore } from "../../src/turns/turn-store.ts";
import { stepOf, type Turn } from "../../src/turns/turn.ts";
import { LLAMA, ROOM, type Saying, type World } from "./conversation-world.ts";
import { sealsOf } from "./seals.ts";

const TOOL = { server: "files", name: "write", definition: "hash" };
const GIVEN = { secret: "swordfish" };
const GROUP: Saying = { direct: false };

/**
 * A conversation in which a call waits for people.
 *
 * @param input what its server asks the person; undefined where people decide whether it is made.
 */
export async function waitingCall(
  world: World,
  asked: Partial<AskedPerson> = {},
  input?: CallInput,
): Promise<{ readonly code: string; readonly turn: Turn }> {
  const eventId = await world.say("Llama: write it", GROUP);
  const turn = await world.turn(eventId);
  assert.ok(turn);
  const { database } = world;
  const { rows } = await database.query<Lease>("select ghost, epoch from leases where ghost = $1", [LLAMA]);
  const [lease] = rows;
  assert.ok(lease);
  const store = new TurnStore(database, sealsOf(database));
  await store.start(lease, turn);
  const records = store.steps.recordsOf(lease, turn, 3_600_000);
  const call = {
    ...{ id: "c", name: "files__write", arguments: GIVEN, tool: TOOL, mayRepeat: false },
    ...(input === undefined ? {} : { input }),
  };
  const proposed: CallStep = { number: 2, askedOf: "tool", state: "proposed", call };
  const model = { number: 1, askedOf: "model", state: "called", answer: { text: "" } } as const;
  const [step] = await records.called(model, [proposed]);
  assert.ok(step?.code !== undefined);
  const { code } = step;
  const question: WaitingCall = {
    ...step,
    state: "waiting",
    call: { ...call, asked: { deciders: "asker", canGrant: true, ...asked } },
  };
  const event = { txnId: code, roomId: ROOM, eventType: "m.room.message", content: "{}" };
  await new Outbox(database, sealsOf(database)).store(lease, event, records.asking(question));
  await records.asked({ eventId: `$${code}`, mark: undefined });
  await store.waiting.wait(lease, turn);
  world.sentAs.set(stepOf(turn, questionStep(code)), `$${code}`);
  return { code, turn };
}

/** The state of the calls. */
export async function callStates(world: World): Promise<unknown[]> {
  const { rows } = await world.database.query("select state, decided_by from turn_steps where asked_of = 'tool'");
  return rows;
}
