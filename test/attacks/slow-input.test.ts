import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { HOSTILE } from "../support/hostile.ts";
import { openAi, startModelServer, type ModelServer } from "../support/model-server.ts";
import { inCheckout } from "../support/paths.ts";
import type { User } from "../support/user.ts";

/** The longest time for which anybody may wait because of somebody else's message or answer, in ms. */
const LONGEST_PAUSE_MS = 200;

/** The slowest of the inputs in test/attacks/linear-time.test.ts. */
const WORST = [
  "lines of - - -",
  "agents",
  "a line and ===",
  "one word",
  "$$ lines",
  "nearly agents",
  "a wide table of short rows",
  "``` a line",
  "\\[ lines",
  "items",
];

const ANSWER_BYTES = 65_536;

/** The largest possible text in an event in its written form, encrypted or not, in bytes. */
const ENCRYPTED_BYTES = 40_000;
const PLAIN_BYTES = 60_000;

/** A text of at most so many bytes, as JSON writes it. */
function hostile(name: string, bytes: number): string {
  const make = HOSTILE[name];
  assert.ok(make, name);
  let text = make(bytes);
  while (Buffer.byteLength(JSON.stringify(text)) > bytes) text = text.slice(0, 0.9 * text.length);
  return text;
}

/** A server's stream in pieces of a few characters, many of them in each packet. */
function* stream(text: string): Generator<string> {
  yield openAi.begin();
  for (let at = 0; at < text.length; at += 4_000) {
    yield Array.from({ length: 500 }, (_, index) => text.slice(at + 8 * index, at + 8 * index + 8))
      .filter((piece) => piece !== "")
      .map((piece) => openAi.text(piece))
      .join("");
  }
  yield* openAi.end();
}

describe("ten messages and a model's server, all of them hostile", () => {
  let model: ModelServer;
  let deployment: Deployment;
  let mallory: User;
  let alice: User;

  before(async () => {
    model = await startModelServer();
    let asked = 0;
    model.on(openAi.path, () => ({ parts: stream(hostile(WORST[asked++ % WORST.length] ?? "", ANSWER_BYTES)) }));
    deployment = await startDeployment({
      providers: { mean: { type: "openai", url: `${model.url}/v1` }, demo: { type: "demo" } },
      agents: {
        mean: { provider: "mean", model: "some-model", display_name: "Mean" },
        demo: { provider: "demo", display_name: "Demo" },
      },
      extraConfig: { memory: { summaries: false } },
    });
    [mallory, alice] = await Promise.all([deployment.user("js-sdk", "mallory"), deployment.user("js-sdk", "alice")]);
  });
  after(async () => {
    await deployment.stop();
    await model.close();
  });

  it("keep nobody else waiting", async () => {
    const [mean, demo] = [deployment.agent("mean"), deployment.agent("demo")];
    const file = join(deployment.synapseDirectory, "event-loop.json");
    await deployment.stopBridge();
    const { pid } = await deployment.startBridge({
      NODE_OPTIONS: `--import=${inCheckout("test/support/event-loop.mjs")}`,
      EVENT_LOOP_FILE: file,
    });
    const rooms = await Promise.all([
      ...WORST.slice(0, 3).map(() => mallory.createRoom({ direct: true, invite: [mean] })),
      ...WORST.slice(3, 5).map(() => mallory.createRoom({ direct: true, invite: [mean], encrypted: false })),
    ]);
    const elsewhere = await alice.createRoom({ direct: true, invite: [demo] });
    await Promise.all([...rooms.map((room) => mallory.waitMember(room, mean)), alice.waitMember(elsewhere, demo)]);
    process.kill(pid, "SIGUSR2");

    const questions = await Promise.all(
      WORST.map(async (name, index) => {
        const room = rooms[index % rooms.length] ?? "";
        const body = hostile(name, index % rooms.length < 3 ? ENCRYPTED_BYTES : PLAIN_BYTES);
        return { room, question: await mallory.sendText({ roomId: room, body }) };
      }),
    );
    const question = await alice.sendText({ roomId: elsewhere, body: "are you there?" });
    await alice.waitMessage({ roomId: elsewhere, sender: demo, after: question, timeoutMs: 60_000 });
    for (const { room, question: asked } of questions) {
      await mallory.waitMessage({
        roomId: room,
        sender: mean,
        timeoutMs: 120_000,
        where: ({ content, current }) => answeredEvent(content) === asked && !("org.matrix.msc4357.live" in current),
      });
    }
    await deployment.stopBridge();

    const { byClock, byProcessor } = JSON.parse(await readFile(file, "utf8")) as Record<string, number>;
    assert.ok(
      byProcessor !== undefined && byProcessor > 0 && byProcessor < LONGEST_PAUSE_MS,
      `the longest pause was ${byProcessor ?? "?"} ms of the processor, ${byClock ?? "?"} ms by the clock`,
    );
    console.log(
      `the longest pause: ${byProcessor.toFixed()} ms of the processor, ${byClock?.toFixed() ?? "?"} by the clock`,
    );
  });
});
