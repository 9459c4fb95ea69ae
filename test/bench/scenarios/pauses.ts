import { startHttpProxy, type HttpProxy } from "../../support/http-proxy.ts";
import { echo } from "../../support/ollama-server.ts";
import { ask, openChats } from "../asking.ts";
import { median } from "../measuring/median.ts";
import { startStage, type Stage } from "../stage.ts";

/** The bridge's own time in an answer of a model that answers at once; medians, in ms. */
export interface Pauses {
  /** From the 200 for the transaction with the question until the model is asked. */
  readonly storedToAskedMs: number;
  /** From the model's last word until the answer's request reaches the homeserver. */
  readonly answeredToSentMs: number;
}

/** The time of each step of the last answer, in ms of `performance.now()`. */
interface LastAnswer {
  stored: number;
  asked: number;
  sent: number;
}

/** Measures them on the wires during encrypted answers in a direct chat. */
export async function pauses(questions: number): Promise<Pauses> {
  const ports = { synapse: 0, bridge: 0 };
  const last: LastAnswer = { stored: 0, asked: 0, sent: 0 };
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
  model.install("llama3.2", {
    answer: (messages) => {
      last.asked = performance.now();
      return echo(messages);
    },
  });
  const person = await deployment.user("js-sdk", "person");
  const [chat] = await openChats(
    person,
    names.map((name) => deployment.agent(name)),
  );
  if (chat === undefined) throw new Error("there is no agent");
  for (let count = 0; count < 3; count++) await ask(chat);
  const before: number[] = [];
  const after: number[] = [];
  for (let count = 0; count < questions; count++) {
    const answered = performance.now();
    await ask(chat);
    if (!(answered < last.stored && last.stored <= last.asked && last.asked <= last.sent)) {
      throw new Error(`the steps of an answer were not seen in their order: ${JSON.stringify(last)}`);
    }
    before.push(last.asked - last.stored);
    // The model's words leave in the same moment.
    after.push(last.sent - last.asked);
  }
  return { storedToAskedMs: median(before), answeredToSentMs: median(after) };
}
