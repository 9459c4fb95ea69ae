import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { serverInJson, serverInLines, toolsInLines, type SeenServer } from "../../../src/cli/tool-report.ts";
import type { StdioToolServer } from "../../../src/config/config.ts";
import type { ToolServerSight } from "../../../src/doctor/tool-server-sight.ts";
import type { KnownTool, ToolHints } from "../../../src/tools/tool-definition.ts";
import { toolProgram } from "../../support/tool-servers.ts";

const READS: ToolHints = { isReadOnly: true, isIdempotent: true, isOpenWorld: false, isConfined: false };
const WRITES: ToolHints = { isReadOnly: false, isIdempotent: false, isOpenWorld: false, isConfined: false };
const FETCHES: ToolHints = { ...READS, isOpenWorld: true, isConfined: false };

function tool(name: string, hints: ToolHints): KnownTool {
  return { name, hints, description: "", schema: {}, hash: "" };
}

function seen(more: Partial<StdioToolServer>, sight: ToolServerSight): SeenServer {
  return { type: "mcp", name: "files", config: toolProgram([], { sandbox: "bwrap", ...more }), sight };
}

function answered(...tools: readonly KnownTool[]): ToolServerSight {
  return { kind: "answered", tools, faulty: [{ name: "odd", fault: "schema" }], prompts: [], mayAsk: false, ms: 12 };
}

describe("the report about a tool server", () => {
  it("counts in a line the tools of one that answers", () => {
    const server = seen({ tools: new Map([["move", "refuse"]]) }, answered(tool("read", READS), tool("move", WRITES)));
    assert.deepEqual(serverInLines(server), [
      "✓ files: stdio, local, in a sandbox, no network; answers in 12 ms, 2 tools, 1 offered, 1 can't be used by models",
    ]);
  });

  it("says of a program without a sandbox that it has the network", () => {
    const [line = ""] = serverInLines(seen({ sandbox: "none", network: false }, answered()));
    assert.match(line, /no sandbox, with network/);
  });

  it("has the remedy of one that can't be reached", () => {
    const sight = { kind: "failed", reason: "it ended", mend: "start it", ms: 3 } as const;
    assert.deepEqual(serverInLines(seen({}, sight)), [
      "✗ files: stdio, local, in a sandbox, no network; can't be reached: it ended (3 ms)",
      "  → start it",
    ]);
  });

  it("says where people sign in to one", () => {
    const sight = { kind: "personal", issuer: "https://login.example.org", ms: 7 } as const;
    const [line = ""] = serverInLines(seen({}, sight));
    assert.match(
      line,
      /^✓ files: .*; people sign in at https:\/\/login\.example\.org, and each sees her own tools \(7 ms\)$/,
    );
  });

  it("says why one was not tried", () => {
    const sight = { kind: "untried", reason: "only bridge can try this program" } as const;
    assert.deepEqual(serverInLines(seen({}, sight)), [
      "– files: stdio, local, in a sandbox, no network; not tried: only bridge can try this program",
    ]);
  });

  it("has for each tool its hints and who agrees, and for all of them who has them", () => {
    const rules: Partial<StdioToolServer> = {
      agents: ["llama"],
      rooms: [],
      approverUsers: ["@boss:hs"],
      folders: [
        { path: "/srv/handbook", write: false },
        { path: "/srv/out", write: true },
      ],
      tools: new Map([
        ["move", "always_ask"],
        ["drop", "refuse"],
      ]),
    };
    const tools = [tool("read", READS), tool("web", FETCHES), tool("move", WRITES), tool("drop", WRITES)];
    assert.deepEqual(toolsInLines(seen(rules, answered(...tools))), [
      "  agents: llama",
      "  rooms: none",
      "  users: all",
      "  may always agree: @boss:hs",
      "  folders: /srv/handbook (read), /srv/out (read and write)",
      "  only models in your network read its results",
      "  read  only reads; nobody has to agree",
      "  web   only reads, reaches outside; whoever asked, or a moderator, agrees, once or for good",
      "  move  changes things; whoever asked, or a moderator, agrees, each time",
      "  drop  changes things; refused",
      "  odd: models can't use it: its schema is wrong",
      "  its tools ask people nothing",
    ]);
  });

  it("says what it offers beside tools", () => {
    const sight = { ...answered(), prompts: ["sum-up", "translate"], mayAsk: true } as ToolServerSight;
    assert.deepEqual(toolsInLines(seen({ prompts: true }, sight)).slice(-2), [
      "  prompts: sum-up, translate",
      "  its tools may ask people something",
    ]);
    const [prompts] = toolsInLines(seen({}, sight)).slice(-2);
    assert.equal(prompts, "  prompts: sum-up, translate (not offered; prompts: true offers them)");
  });

  it("does not believe the hints of a server outside the network", () => {
    const lines = toolsInLines(seen({ locality: "cloud", approvers: "moderators" }, answered(tool("read", READS))));
    assert.ok(lines.includes("  it gets words only from rooms that may send words outside your network"));
    assert.ok(lines.includes("  read  only reads; a moderator agrees, once or for good"));
  });

  it("lets no server's words control the terminal", () => {
    const sight: ToolServerSight = {
      kind: "answered",
      tools: [],
      faulty: [{ name: "a\u001b[2Jb", fault: "name" }],
      prompts: [],
      mayAsk: false,
      ms: 1,
    };
    assert.doesNotMatch(toolsInLines(seen({}, sight)).join(""), /\p{Cc}/u);
  });

  it("has the words of the configuration for programs", () => {
    const json = serverInJson(seen({ agents: ["llama"] }, answered(tool("read", READS), tool("move", WRITES))));
    assert.deepEqual(json, {
      name: "files",
      type: "stdio",
      locality: "local",
      hosts: [],
      sandbox: "bwrap",
      network: false,
      folders: [],
      agents: ["llama"],
      rooms: ["*"],
      users: ["*"],
      approver_users: [],
      state: "answered",
      ms: 12,
      tools: [
        { name: "read", read_only: true, idempotent: true, open_world: false, approval: "never" },
        { name: "move", read_only: false, idempotent: false, open_world: false, approval: "ask", deciders: "asker" },
      ],
      faulty: [{ name: "odd", fault: "schema" }],
      prompts: [],
      may_ask: false,
    });
  });
});
