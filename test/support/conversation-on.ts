import assert from "node:assert/strict";
import type { User } from "./user.ts";

/** A server that is built for a test answers in a second or two; the machine may be busy. */
const TIMEOUT_MS = 60_000;

/** A person asks an agent in a new direct chat without encryption, and is answered there. Returns the room. */
export async function asksInClear(person: User, agent: string): Promise<string> {
  const roomId = await person.createRoom({ direct: true, encrypted: false, invite: [agent] });
  await person.waitMember(roomId, agent, "join", TIMEOUT_MS);
  const question = await person.sendText({ roomId, body: "are you there?" });
  const answer = await person.waitMessage({ roomId, sender: agent, after: question, timeoutMs: TIMEOUT_MS });
  assert.equal(answer.encrypted, false);
  assert.match(answer.body, /are you there\?/);
  return roomId;
}

/** The same end-to-end encrypted, twice: the second answer needs nothing that the first has brought. Returns the room. */
export async function asksEncrypted(person: User, agent: string): Promise<string> {
  const roomId = await person.createRoom({ direct: true, invite: [agent] });
  await person.waitMember(roomId, agent, "join", TIMEOUT_MS);
  for (const body of ["the password is swordfish", "and again"]) await asksAgain(person, agent, roomId, body);
  return roomId;
}

/** A person asks in an encrypted room, and can read the encrypted answer. Returns the answer's event id. */
export async function asksAgain(person: User, agent: string, roomId: string, body: string): Promise<string> {
  const question = await person.sendText({ roomId, body });
  let after = question;
  // An earlier question may be answered first.
  for (let count = 0; count < 3; count++) {
    const answer = await person.waitMessage({ roomId, sender: agent, after, timeoutMs: TIMEOUT_MS });
    assert.equal(answer.encrypted, true);
    if (answer.body.includes(body)) return answer.eventId;
    after = answer.eventId;
  }
  assert.fail(`no answer to “${body}”`);
}
