import { startHttpProxy, type HttpProxy } from "../../support/http-proxy.ts";
import { echo } from "../../support/ollama-server.ts";
import { ask, openChats } from "../asking.ts";
import { median } from "../measuring/median.ts";
import { startStage, type Stage } from "../stage.ts";

/** The bridge's own time in an answer; medians, in ms. */
export interface Pauses {
  /** From the 200 for the transaction with the question until the model is asked. */
  readonly storedToAskedMs: number;
  /** From the last word of a model that thinks for a moment until the answer's request reaches the homeserver. */
  readonly answeredToSentMs: number;
  /**
   * The same for a model that answers at once: what else is done while the model works is not over yet. Older results lack it: their
   * only model was of this kind.
   */
  readonly answeredAtOnceToSentMs?: number;
}

/** Shorter than any real model takes for its first word. */
const THINKS_MS = 300;

/** The time of each step of the last answer, in ms of `performance.now()`. */
interface LastAnswer {
  stored: number;
  answered: number;
  sent: number;
}

/** Measures them on the wires during encrypted answers in a direct chat. */
export async function pauses(questions: number): Promise<Pauses> {
  const ports = { synapse: 0, bridge: 0 };
  const last: LastAnswer = { stored: 0, answered: 0, sent: 0 };
  const [toSynapse, toBridge] = [await startHttpProxy(() => ports.synapse), await startHttpProxy(() => ports.bridge)];
  watch(last, toSynapse, toBridge);
  let stage: Stage | undefined;
  try {
    stage = await startStage({
      agents: 1,
      through: (edge, url) => {
        const port = Number(new URL(url).port);
        if (edge === "bridge to synapse") ports.synapse = port;
        else if (edge === "synapse to bridge") ports.bridge = port;
        else return Promise.resolve(url);
        return Promise.resolve(edge === "bridge to synapse" ? toSynapse.url : toBridge.url);
      },
    });
    return await measure(stage, questions, last);
  } finally {
    await stage?.stop();
    await Promise.all([toSynapse.stop(), toBridge.stop()]);
  }
}

function watch(last: LastAnswer, toSynapse: HttpProxy, toBridge: HttpProxy): void {
  toSynapse.intercept = (request) => {
    if (request.method === "PUT" && request.url.includes("/send/m.room.encrypted/")) last.sent = performance.now();
    return toSynapse.forward(request);
  };
  toBridge.intercept = async (request) => {
    const answer = await toBridge.forward(request);
    // The echo of the answer comes in a transaction too.
    if (request.body.includes('"sender":"@person')) last.stored = performance.now();
    return answer;
  };
}

async function measure({ deployment, model, names }: Stage, questions: number, last: LastAnswer): Promise<Pauses> {
  const person = await deployment.user("js-sdk", "person");
  const [chat] = await openChats(
    person,
    names.map((name) => deployment.agent(name)),
  );
  if (chat === undefined) throw new Error("there is no agent");
  const steps = async (thinksMs: number | undefined): Promise<LastAnswer[]> => {
    model.install("llama3.2", {
      ...(thinksMs === undefined ? {} : { firstTokenMs: thinksMs }),
      answer: (messages) => {
        // The model's words leave in the same moment.
        last.answered = performance.now();
        return echo(messages);
      },
    });
    const seen: LastAnswer[] = [];
    for (let count = 0; count < 3 + questions; count++) {
      const from = performance.now();
      await ask(chat);
      if (!(from < last.stored && last.stored <= last.answered && last.answered <= last.sent)) {
        throw new Error(`the steps of an answer were not seen in their order: ${JSON.stringify(last)}`);
      }
      if (count >= 3) seen.push({ ...last });
    }
    return seen;
  };
  const [atOnce, later] = [await steps(undefined), await steps(THINKS_MS)];
  const toSent = ({ answered, sent }: LastAnswer): number => sent - answered;
  return {
    // A model that answers at once is asked in the moment in which it answers.
    storedToAskedMs: median(atOnce.map(({ stored, answered }) => answered - stored)),
    answeredToSentMs: median(later.map(toSent)),
    answeredAtOnceToSentMs: median(atOnce.map(toSent)),
  };
}
