import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { WantsInput } from "../../../src/tools/input-request.ts";
import type { ToolFailure } from "../../../src/tools/tool-failure.ts";
import type { ToolResult } from "../../../src/tools/tool-result.ts";
import type { ToolServer } from "../../../src/tools/tool-server.ts";
import type { CallInput, InputAnswer } from "../../../src/turns/call-input.ts";
import { inCheckout } from "../../support/paths.ts";
import { temporaryDirectory } from "../../support/temporary.ts";
import { toolServers } from "../../support/tool-servers.ts";

const SIGNAL = new AbortController().signal;
const ASKING = inCheckout("test/support/asking-tool-server.mjs");
const GOES_TO = { host: "tools.test", to: "local" } as const;

describe("a tool server that asks the person in the middle of a call", () => {
  const { program, real, stop } = toolServers();
  after(stop);

  async function asking(): Promise<{
    readonly server: ToolServer;
    readonly calls: () => Promise<Record<string, unknown>[]>;
  }> {
    const file = join(await temporaryDirectory("asking"), "calls");
    await writeFile(file, "");
    const calls = async (): Promise<Record<string, unknown>[]> =>
      (await readFile(file, "utf8"))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    return { server: program([ASKING, file]), calls };
  }

  /** What it asks. */
  async function asked(call: Promise<ToolResult>): Promise<WantsInput["request"]> {
    const error: unknown = await call.then(
      () => undefined,
      (failure: unknown) => failure,
    );
    assert.ok(error instanceof WantsInput, String(error));
    return error.request;
  }

  function answered({ forms, pages, state }: WantsInput["request"], answers: readonly InputAnswer[]): CallInput {
    return {
      forms: forms.map((form, at) => ({ ...form, answer: answers[at] ?? { action: "decline" } })),
      declined: pages,
      ...(state === undefined ? {} : { state }),
      round: 1,
      goesTo: GOES_TO,
    };
  }

  it("gets the answer with its own state, by the same call", async () => {
    const { server, calls } = await asking();
    const request = await asked(server.call("book", { seat: "window" }, SIGNAL, {}));
    assert.deepEqual(
      request.forms.map(({ key, message, fields }) => [key, message, fields.map(({ name }) => name)]),
      [["trip", "Where do you want to go?", ["city"]]],
    );
    const input = answered(request, [{ action: "accept", content: { city: "Berlin" } }]);
    const { text, isError } = await server.call("book", { seat: "window" }, SIGNAL, { input });
    assert.deepEqual([text, isError], ["Booked Berlin (book 1).", false]);
    assert.deepEqual(
      (await calls()).map(({ given, responses, state }) => ({ given, responses, state })),
      [
        { given: { seat: "window" }, responses: undefined, state: undefined },
        {
          given: { seat: "window" },
          responses: { trip: { action: "accept", content: { city: "Berlin" } } },
          state: "book 1",
        },
      ],
    );
    const declined = await server.call("book", {}, SIGNAL, { input: answered(request, []) });
    assert.equal(declined.text, "Nothing is booked: decline.");
  });

  it("is told that it may ask in calls for a person alone, and never to sample or to see folders", async () => {
    const { server, calls } = await asking();
    await asked(server.call("book", {}, SIGNAL, {}));
    await assert.rejects(server.call("book", {}, SIGNAL), (error: ToolFailure) => error.code === "wants_input");
    const forbidden = program([ASKING], { questions: false });
    await assert.rejects(forbidden.call("book", {}, SIGNAL, {}), (error: ToolFailure) => error.code === "wants_input");
    const told = (await calls()).map(({ envelope }) => JSON.stringify(envelope));
    assert.match(told[0] ?? "", /"elicitation":\{"form":\{\}\}/);
    assert.doesNotMatch(told[0] ?? "", /sampling|roots|"url"/);
    assert.doesNotMatch(told[1] ?? "", /elicitation/);
  });

  it("may ask several things at once, and wants a page opened in vain", async () => {
    const { server } = await asking();
    // The library lets no server ask for what the client does not offer.
    const requests = {
      trip: {
        method: "elicitation/create",
        params: { message: "?", requestedSchema: { type: "object", properties: {} } },
      },
    };
    const request = await asked(server.call("relay", { requests, state: "s" }, SIGNAL, {}));
    assert.deepEqual([request.forms.length, request.state], [1, "s"]);
    const page = {
      page: { method: "elicitation/create", params: { mode: "url", message: "Pay", url: "https://a.example" } },
    };
    await assert.rejects(
      server.call("relay", { requests: page }, SIGNAL, {}),
      (error: ToolFailure) => error.code === "wants_input",
    );
    const sampling = { model: { method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } } };
    await assert.rejects(
      server.call("relay", { requests: sampling }, SIGNAL, {}),
      (error: ToolFailure) => error.code === "wants_input",
    );
  });

  it("that wants the same call again gets it a few times, and not for ever", async () => {
    const { server } = await asking();
    assert.equal((await server.call("later", { times: 3 }, SIGNAL, {})).text, "At last, after 3.");
    await assert.rejects(
      server.call("later", { times: 4 }, SIGNAL, {}),
      (error: ToolFailure) => error.code === "wants_input" && error.message.includes("again and again"),
    );
  });

  it("of an older protocol is not told that it may ask: its question would not outlive this process", async () => {
    const server = real("everything", []);
    const { tools } = await server.tools(SIGNAL);
    assert.ok(!tools.some(({ name }) => name.startsWith("trigger-elicitation")));
  });
});
