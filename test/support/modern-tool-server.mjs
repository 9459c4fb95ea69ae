// A tool server by the official library, of the protocol 2026-07-28, over standard input and output, or, with a port and
// a token, over HTTP.
import { createServer } from "node:http";
import { fromJsonSchema, inputRequired, McpServer } from "@modelcontextprotocol/server";

const [port, token] = process.argv.slice(2);

function makeServer({ era }) {
  const server = new McpServer({ name: "modern", version: "1" });
  const numbers = {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
  };
  server.registerTool(
    "add",
    {
      description: "Adds.",
      inputSchema: fromJsonSchema(numbers),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ a, b }) => ({ content: [{ type: "text", text: `${a + b} (${era})` }] }),
  );
  server.registerTool("ask", { description: "Asks in return.", inputSchema: fromJsonSchema({ type: "object" }) }, () =>
    inputRequired({
      inputRequests: {
        city: {
          method: "elicitation/create",
          params: { message: "Which city?", requestedSchema: { type: "object", properties: {} } },
        },
      },
    }),
  );
  return server;
}

if (port === undefined) {
  const { serveStdio } = await import("@modelcontextprotocol/server/stdio");
  serveStdio(makeServer);
} else {
  const { createMcpHandler } = await import("@modelcontextprotocol/server");
  const handler = createMcpHandler(makeServer);
  createServer(async (request, response) => {
    if (request.url === "/mcp/") return response.writeHead(307, { location: "/mcp" }).end();
    if (request.url === "/elsewhere")
      return response.writeHead(308, { location: "https://elsewhere.example/SECRET" }).end();
    if (request.url === "/secret") return response.writeHead(301, { location: "/mcp?token=SECRET" }).end();
    if (request.url === "/nowhere") return response.writeHead(302).end();
    if (request.url === "/page") return response.writeHead(404, { "content-type": "text/html" }).end("<p>SECRET");
    if (request.url === "/sse") return response.writeHead(405).end();
    if (request.url === "/endless") {
      response.writeHead(200, { "content-type": "application/json" });
      const more = () => {
        while (response.write("x".repeat(100_000)));
      };
      response.on("drain", more);
      return more();
    }
    if (request.headers.authorization !== `Bearer ${token}`) return response.writeHead(401).end();
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = ["GET", "HEAD"].includes(request.method) ? undefined : Buffer.concat(parts);
    const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const answer = await handler.fetch(
      new Request(`http://127.0.0.1${request.url}`, { method: request.method, headers, body }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    for await (const part of answer.body ?? []) response.write(part);
    return response.end();
  }).listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
}
