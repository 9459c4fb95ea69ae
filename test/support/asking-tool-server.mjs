// A tool server by the official library (MCP 2026-07-28, over standard input and output) whose tools ask the person behind a call
// something. It writes each call into the file that its argument names.
import { appendFileSync } from "node:fs";
import { fromJsonSchema, inputRequired, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";

const [file] = process.argv.slice(2);
const ANY = fromJsonSchema({ type: "object", properties: {} });
const text = (words) => ({ content: [{ type: "text", text: words }] });
const form = (message, properties, required = Object.keys(properties)) => ({
  method: "elicitation/create",
  params: { mode: "form", message, requestedSchema: { type: "object", properties, required } },
});
const CITY = { type: "string", title: "City", minLength: 2, maxLength: 40 };
const DAYS = { type: "integer", minimum: 1, maximum: 30 };

const TOOLS = {
  /** One field, then done. */
  book(_given, { responses, state }) {
    if (responses?.trip === undefined)
      return inputRequired({
        inputRequests: { trip: form("Where do you want to go?", { city: CITY }) },
        requestState: "book 1",
      });
    const { action, content } = responses.trip;
    return text(action === "accept" ? `Booked ${content.city} (${state}).` : `Nothing is booked: ${action}.`);
  },
  /** Two forms at once, of which one has several fields, and then a third. */
  plan(_given, { responses, state }) {
    if (state === undefined)
      return inputRequired({
        inputRequests: {
          trip: form("Which trip?", { city: CITY, days: DAYS, note: { type: "string", default: "none" } }, [
            "city",
            "days",
          ]),
          sure: form("Are you sure?", {}),
        },
        requestState: JSON.stringify({}),
      });
    const known = JSON.parse(state);
    if (known.trip === undefined)
      return inputRequired({
        inputRequests: { mail: form("To whom shall I write?", { to: { type: "string", format: "email" } }) },
        requestState: JSON.stringify(responses),
      });
    return text(`Planned ${JSON.stringify({ ...known, ...responses })}`);
  },
  /** It asks again and again. */
  insist() {
    return inputRequired({
      inputRequests: { again: form("And now?", { word: { type: "string" } }) },
      requestState: "more",
    });
  },
  /** It asks for more than anybody can fill in. */
  flood() {
    const fields = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`f${at}`, { type: "string" }]));
    return inputRequired({ inputRequests: { all: form("Everything!", fields) } });
  },
  /** It asks what its arguments say, and tells what it got. */
  relay({ requests, state }, { responses }) {
    if (responses === undefined)
      return inputRequired({ inputRequests: requests, ...(state === undefined ? {} : { requestState: state }) });
    return text(`Got ${JSON.stringify(responses)}`);
  },
  /** It wants the same call again, some times. */
  later({ times }, { state = "0" }) {
    return Number(state) < times
      ? inputRequired({ requestState: `${Number(state) + 1}` })
      : text(`At last, after ${state}.`);
  },
};
const PROMPTS = {
  "sum-up": ({ topic }) => `Sum up ${topic}.`,
  broken() {
    throw new Error("SECRET WORDS");
  },
};
const READS = { readOnlyHint: true, openWorldHint: false };

serveStdio(() => {
  const server = new McpServer({ name: "asking", version: "1" });
  for (const [name, work] of Object.entries(TOOLS)) {
    const described = { description: `Does ${name}.`, inputSchema: ANY };
    server.registerTool(name, name === "later" ? { ...described, annotations: READS } : described, (given, context) => {
      const { inputResponses: responses, requestState, envelope } = context.mcpReq;
      const state = typeof requestState === "function" ? requestState() : requestState;
      if (file !== undefined) appendFileSync(file, `${JSON.stringify({ name, given, responses, state, envelope })}\n`);
      return work(given, { responses, state });
    });
  }
  for (const [name, words] of Object.entries(PROMPTS)) {
    const argsSchema = fromJsonSchema({ type: "object", properties: { topic: { type: "string" } } });
    server.registerPrompt(name, { description: `Does ${name}.`, argsSchema }, (given) => {
      if (file !== undefined) appendFileSync(file, `${JSON.stringify({ prompt: name, given })}\n`);
      return { messages: [{ role: "user", content: { type: "text", text: words(given ?? {}) } }] };
    });
  }
  return server;
});
