import type { Config } from "../config/config.ts";
import { localpartOf } from "../agents/agents.ts";
import { reasonOfHomeserverError } from "../homeserver/error-words.ts";
import { isHomeserverError } from "../homeserver/errors.ts";
import { answeredEvent } from "../matrix/relation.ts";
import { bad, good, type Finding } from "./check.ts";
import { EncryptedPerson, type RoomNews } from "./encrypted-person.ts";
import { makeTemporaryUser, NoTemporaryUser } from "./temporary-user.ts";

/** The time limits for an agent to join and to answer: a large model must be loaded first. */
const JOIN_LIMIT_MS = 60_000;
const ANSWER_LIMIT_MS = 5 * 60_000;

const QUESTION = "Hello! This is matrix-agents doctor, checking whether you answer. One word is enough.";

/** The round trip failed. */
class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  readonly mend: string;

  constructor(reason: string, mend: string) {
    super(reason);
    this.mend = mend;
  }
}

/**
 * Holds a real encrypted conversation: it makes a temporary user, an encrypted direct chat and a question, waits for
 * the agent's answer, and removes the user. Rejects only for a fault of ours.
 *
 * @param agents the user ids of all agents; undefined where they are not known.
 * @param name the agent; by default the first of the configuration, or else of all.
 */
export async function holdRoundtrip(
  config: Pick<Config, "agents" | "homeserver">,
  sharedSecret: string,
  agents: readonly string[] | undefined,
  name?: string,
): Promise<Finding> {
  const agentId = agentCalled(name, config, agents);
  if (agentId === undefined) {
    const names = agents ?? [...config.agents.keys()];
    const there = names.length === 0 ? "there are none yet: start the bridge" : `there are ${names.join(", ")}`;
    return bad(
      name === undefined ? "there is no agent to talk with" : `there is no agent ${name}: ${there}`,
      "name one: --agent NAME",
    );
  }
  try {
    const user = await makeTemporaryUser(config.homeserver, sharedSecret);
    try {
      const { joinMs, answerMs } = await talk(user, agentId);
      return good(
        `${agentId} joined an encrypted chat in ${joinMs} ms, and answered in ${answerMs} ms; ${user.userId} is deactivated`,
      );
    } finally {
      await user.remove();
    }
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof NoTemporaryUser) return bad(error.message, error.mend);
    if (isHomeserverError(error)) return bad(reasonOfHomeserverError(error), "check the homeserver's log");
    throw error;
  }
}

/** The user id of the agent with this name, localpart or user id. */
function agentCalled(
  name: string | undefined,
  { agents: named, homeserver: { domain } }: Pick<Config, "agents" | "homeserver">,
  agents: readonly string[] | undefined,
): string | undefined {
  const called = name ?? [...named.keys()][0];
  if (called === undefined) return agents?.[0];
  const candidates = called.startsWith("@") ? [called] : [`@${localpartOf(called)}:${domain}`, `@${called}:${domain}`];
  return agents === undefined ? candidates[0] : candidates.find((candidate) => agents.includes(candidate));
}

async function talk(
  user: Awaited<ReturnType<typeof makeTemporaryUser>>,
  agentId: string,
): Promise<{ readonly joinMs: number; readonly answerMs: number }> {
  const person = await EncryptedPerson.open(user);
  try {
    const began = performance.now();
    const roomId = await person.createChat(agentId);
    try {
      await until(person, roomId, JOIN_LIMIT_MS, `${agentId} did not join the chat`, ({ joined, left }) => {
        const refusal = left.find(({ userId }) => userId === agentId);
        if (refusal !== undefined) {
          const why = refusal.reason === undefined ? "" : `: ${refusal.reason}`;
          throw new NoAnswer(
            `${agentId} declined the invite${why}`,
            "see access.users: the temporary user of this check belongs to your homeserver",
          );
        }
        return joined.includes(agentId) ? true : undefined;
      });
      const joined = performance.now();
      const question = await person.say(roomId, agentId, QUESTION);
      const answer = await until(
        person,
        roomId,
        ANSWER_LIMIT_MS,
        `no readable answer of ${agentId} came`,
        ({ messages }) =>
          messages.find(({ sender, content }) => sender === agentId && answeredEvent(content) === question),
      );
      if (answer.content["msgtype"] === "m.notice") {
        throw new NoAnswer(
          `${agentId} answered with a notice: ${String(answer.content["body"])}`,
          "do what the notice says",
        );
      }
      return { joinMs: Math.round(joined - began), answerMs: Math.round(performance.now() - joined) };
    } finally {
      await person.leave(roomId);
    }
  } finally {
    person.close();
  }
}

/** Repeats a look until it succeeds. Throws {@link NoAnswer} after the time limit. */
async function until<T>(
  person: EncryptedPerson,
  roomId: string,
  limitMs: number,
  late: string,
  find: (news: RoomNews) => T | undefined,
): Promise<T> {
  const signal = AbortSignal.timeout(limitMs);
  try {
    for (;;) {
      const found = find(await person.look(roomId, signal));
      if (found !== undefined) return found;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new NoAnswer(
      `${late} within ${limitMs / 1000} s`,
      "make sure that the bridge runs, and check its log; matrix-agents mailbox lists the events that it could not handle",
    );
  }
}
