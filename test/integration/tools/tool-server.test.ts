import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { OwnToolsConfig, ToolServerConfig } from "../../../src/config/config.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { OwnTools } from "../../../src/tools/own/own-tools.ts";
import { timeTool } from "../../../src/tools/own/time.ts";
import { ToolFailure, type ToolFailureCode } from "../../../src/tools/tool-failure.ts";
import { LONGEST_RESULT, type ToolResult } from "../../../src/tools/tool-result.ts";
import type { ToolServer } from "../../../src/tools/tool-server.ts";
import { ToolServers } from "../../../src/tools/tool-servers.ts";
import { eventually } from "../../support/eventually.ts";
import { inCheckout } from "../../support/paths.ts";
import { temporaryDirectory } from "../../support/temporary.ts";
import { httpToolServers } from "../../support/http-tool-servers.ts";
import { contextOf, noSuchTools, toolProgram, toolServers, UNKIND_TOOL_SERVER } from "../../support/tool-servers.ts";

const SIGNAL = new AbortController().signal;
const MIB = 1_048_576;

const { program, real, unkind, stop } = toolServers();
const { httpServer, startHttpToolServer, startEverythingOverHttp, stop: stopHttp } = httpToolServers();
after(stop);
after(stopHttp);

async function failsAs(code: ToolFailureCode, work: Promise<unknown>): Promise<ToolFailure> {
  const error = await work.then(
    () => assert.fail("it did not fail"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ToolFailure, String(error));
  assert.equal(error.code, code, error.message);
  assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /SECRET/);
  return error;
}

/** The result of the tool of an unkind server. */
const work = (server: ToolServer, given: Record<string, unknown> = {}): Promise<ToolResult> =>
  server.call("work", given, SIGNAL);

describe("a real tool server", () => {
  it("server-everything lists its tools, and is called", async () => {
    const everything = real("everything", ["stdio"]);
    const { tools, faulty } = await everything.tools(SIGNAL);
    assert.deepEqual(faulty, []);
    assert.ok(tools.some(({ name }) => name === "echo"));
    const echo = await everything.call("echo", { message: "Grüezi" }, SIGNAL);
    assert.deepEqual(echo, { text: "Echo: Grüezi", isError: false });
    const sum = await everything.call("get-sum", { a: 2, b: 3 }, SIGNAL);
    assert.match(sum.text, /\b5\b/);
    const picture = await everything.call("get-tiny-image", {}, SIGNAL);
    assert.match(picture.text, /\[picture 1: picture-1\.png, image\/png, \d+ bytes\]/);
    assert.equal(picture.files?.[0]?.bytes.byteLength, picture.files?.[0]?.size);
    const wrong = await everything.call("get-sum", { a: "two" }, SIGNAL);
    assert.equal(wrong.isError, true);
  });

  it("server-everything has resources, which are tools where the admin wants it", async () => {
    const without = real("everything", ["stdio"]);
    assert.ok(!(await without.tools(SIGNAL)).tools.some(({ name }) => name.endsWith("_resource")));
    const everything = real("everything", ["stdio"], { resources: true });
    const { tools } = await everything.tools(SIGNAL);
    const [list, read] = tools.slice(-2);
    assert.deepEqual([list?.name, read?.name, read?.hints.isReadOnly], ["list_resources", "read_resource", true]);
    const listed = await everything.call("list_resources", {}, SIGNAL);
    assert.match(listed.text, /^- demo:\/\/resource\/static\/document\/features\.md · .*text\/markdown/m);
    assert.match(listed.text, /^- demo:\/\/resource\/dynamic\/blob\/\{resourceId\}/m);
    const document = await everything.call(
      "read_resource",
      { uri: "demo://resource/static/document/features.md" },
      SIGNAL,
    );
    assert.match(document.text, /Everything/);
    const blob = await everything.call("read_resource", { uri: "demo://resource/dynamic/blob/1" }, SIGNAL);
    assert.equal(blob.files?.[0]?.type, "text/plain");
    await failsAs("refused", everything.call("read_resource", { uri: "demo://nowhere" }, SIGNAL));
    const wrong = await everything.call("read_resource", { uri: 7 }, SIGNAL);
    assert.match(wrong.text, /^Not done/);
  });

  it("without resources has no tools for them", async () => {
    const plain = unkind("is plain", { resources: true });
    assert.deepEqual(
      (await plain.tools(SIGNAL)).tools.map(({ name }) => name),
      ["work"],
    );
  });

  it("server-filesystem reads and writes its folder, and no other", async () => {
    const folder = await temporaryDirectory("tool-files");
    await mkdir(join(folder, "in"));
    await writeFile(join(folder, "secret.txt"), "hidden");
    const files = real("filesystem", [join(folder, "in")]);
    const { tools } = await files.tools(SIGNAL);
    const hints = new Map(tools.map((tool) => [tool.name, tool.hints]));
    assert.equal(hints.get("read_text_file")?.isReadOnly, true);
    assert.equal(hints.get("write_file")?.isReadOnly, false);
    const path = join(folder, "in", "new.txt");
    assert.equal((await files.call("write_file", { path, content: "Moin" }, SIGNAL)).isError, false);
    assert.equal(await readFile(path, "utf8"), "Moin");
    assert.equal((await files.call("read_text_file", { path }, SIGNAL)).text, "Moin");
    const outside = await files.call("read_text_file", { path: join(folder, "secret.txt") }, SIGNAL);
    assert.equal(outside.isError, true);
    assert.doesNotMatch(outside.text, /hidden/);
  });

  it("server-memory keeps what it is told, also when its program has rested", async () => {
    const file = join(await temporaryDirectory("tool-memory"), "memory.jsonl");
    const memory = real("memory", [], { env: { MEMORY_FILE_PATH: file }, idleAfterMs: 1 });
    const entities = [{ name: "Whale", entityType: "animal", observations: ["sings"] }];
    assert.equal((await memory.call("create_entities", { entities }, SIGNAL)).isError, false);
    await eventually("the program to end", () => Promise.resolve(!memory.isConnected));
    const found = await memory.call("search_nodes", { query: "sings" }, SIGNAL);
    assert.match(found.text, /Whale/);
  });
});

describe("a tool server of the protocol 2026-07-28", () => {
  it("is spoken to without a handshake, and asked nothing in return", async () => {
    const modern = program([inCheckout("test/support/modern-tool-server.mjs")]);
    const { tools } = await modern.tools(SIGNAL);
    assert.deepEqual(
      tools.map(({ name, hints }) => [name, hints.isReadOnly]),
      [
        ["add", true],
        ["ask", false],
      ],
    );
    assert.equal((await modern.call("add", { a: 2, b: 3 }, SIGNAL)).text, "5 (modern)");
    await failsAs("wants_input", modern.call("ask", {}, SIGNAL));
  });
});

describe("a tool server over HTTP", () => {
  it("is listed and called, by the token that it wants", async () => {
    await using web = await startHttpToolServer("secret-token");
    const { tools } = await web.server("secret-token").tools(SIGNAL);
    assert.deepEqual(
      tools.map(({ name }) => name),
      ["add", "ask"],
    );
    assert.equal((await web.server("secret-token").call("add", { a: 2, b: 3 }, SIGNAL)).text, "5 (modern)");
    await failsAs("refused", web.server("another").tools(SIGNAL));
    await failsAs("refused", web.server(undefined).tools(SIGNAL));
  });

  it("of an older protocol is understood, as server-everything is", async () => {
    await using everything = await startEverythingOverHttp();
    assert.equal((await everything.server.call("echo", { message: "Moin" }, SIGNAL)).text, "Echo: Moin");
  });

  it("that redirects, answers without end, or is not there, is told by a failure", async () => {
    await using web = await startHttpToolServer("t");
    for (const [path, message] of [
      ["mcp/", "it leads on to /mcp: set that path in its url"],
      ["elsewhere", "it leads on to another address"],
      ["secret", "it leads on to another address"],
      ["nowhere", "it leads on to another address"],
    ] as const) {
      assert.equal((await failsAs("unreachable", httpServer(`${web.url}/${path}`).tools(SIGNAL))).message, message);
    }
    for (const [path, status] of [
      ["page", 404],
      ["sse", 405],
    ] as const) {
      const { message } = await failsAs("refused", httpServer(`${web.url}/${path}`).tools(SIGNAL));
      assert.equal(message, `HTTP ${status} (is its url right? That of streamable HTTP often ends in /mcp)`);
    }
    await failsAs("too_much", httpServer(`${web.url}/endless`).tools(SIGNAL));
    await failsAs("unreachable", httpServer("http://127.0.0.1:1/mcp").tools(SIGNAL));
  });
});

describe("a tool server", () => {
  it("that is not there, or is no program, is told by a failure; nobody waits for the next try", async () => {
    for (const command of ["/nowhere/at/all", inCheckout("package.json")]) {
      const missing = program([], { command });
      await failsAs("unreachable", missing.tools(SIGNAL));
      const before = performance.now();
      await failsAs("unreachable", work(missing));
      assert.ok(performance.now() - before < 1_000);
    }
  });

  it("that speaks no MCP fails", async () => {
    await failsAs("ended", program(["-e", "process.exit(0)"]).tools(SIGNAL));
    await failsAs("ended", unkind("ends at once").tools(SIGNAL));
  });

  it("of an older protocol is understood, whatever it makes of the present one", async () => {
    for (const how of ["is plain", "ends at a probe", "says nothing to a probe"]) {
      const old = unkind(how);
      assert.deepEqual(
        (await old.tools(SIGNAL)).tools.map(({ name }) => name),
        ["work"],
        how,
      );
      assert.equal((await work(old)).text, "1", how);
    }
  });

  it("may write a log between its messages, and words on its error output, which nobody reads", async () => {
    assert.equal((await work(unkind("writes a log"))).text, "1");
  });

  it("that lists for ever, nonsense, or faulty tools has only the good ones", async () => {
    assert.equal((await unkind("lists for ever").tools(SIGNAL)).tools.length, 16);
    await failsAs("malformed", unkind("lists nonsense").tools(SIGNAL));
    const { tools, faulty } = await unkind("has faulty tools").tools(SIGNAL);
    assert.deepEqual(
      [tools.length, faulty.map(({ fault }) => fault)],
      [1, ["name", "name", "schema", "name", "twice"]],
    );
  });

  it("that does not tell its tools in time is waited for once: the next questions do without them at once", async () => {
    for (const how of ["never begins", "never lists"]) {
      const silent = unkind(how);
      const patient = new AbortController();
      const first = silent.tools(patient.signal);
      // Nobody waits longer than they want because somebody else does.
      await assert.rejects(silent.tools(AbortSignal.timeout(300)), { name: "TimeoutError" }, how);
      const before = performance.now();
      await failsAs("timeout", silent.tools(AbortSignal.timeout(10_000)));
      assert.ok(performance.now() - before < 1_000, how);
      patient.abort();
      await assert.rejects(first, { name: "AbortError" }, how);
    }
  });

  it("that changes its tools is asked for them again, and they have another hash", async () => {
    const changing = unkind("changes its tools");
    const [before] = (await changing.tools(SIGNAL)).tools;
    assert.equal((await changing.tools(SIGNAL)).tools[0]?.hash, before?.hash, "the list is kept");
    await work(changing);
    const [later] = (await changing.tools(SIGNAL)).tools;
    assert.notEqual(later?.hash, before?.hash);
  });

  it("that ends in a call fails it, as one that may have been done; the next call starts it again", async () => {
    const dying = unkind("ends in a call");
    const failure = await failsAs("ended", work(dying));
    assert.equal(failure.mayBeDone, true);
    await failsAs("ended", work(dying));
  });

  it("that sends too much, or floods, is ended", async () => {
    for (const how of ["sends too much", "floods"]) {
      const failure = await failsAs("too_much", work(unkind(how)));
      assert.equal(failure.mayBeDone, true, how);
    }
  });

  it("that takes too much memory, or too many processes, is ended with all of them", async () => {
    await failsAs("too_much", work(unkind("takes memory", { maxMemoryBytes: 200 * MIB })));
    await failsAs("too_much", work(unkind("forks", { maxProcesses: 8 })));
  });

  it("that says nothing, or answers another call, is given up after the time for a call", async () => {
    for (const how of ["says nothing", "answers another call"]) {
      const failure = await failsAs("timeout", work(unkind(how, { callTimeoutMs: 500 })));
      assert.equal(failure.mayBeDone, true, how);
    }
  });

  it("that answers twice is heard once", async () => {
    const twice = unkind("answers twice");
    assert.equal((await work(twice)).text, "once");
    assert.equal((await work(twice)).text, "once");
  });

  it("gets no model of ours: asking for a sampling is refused", async () => {
    assert.match((await work(unkind("asks for a sampling"))).text, /^sampling: -32601$/);
  });

  it("that refuses a call fails it without its words", async () => {
    await failsAs("refused", work(unkind("refuses")));
  });

  it("that answers anything at all gives a text within bounds", async () => {
    const odd = unkind("answers nonsense");
    const results: readonly (readonly [unknown, string])[] = [
      [{}, "(nothing)"],
      [{ content: "text" }, "(nothing)"],
      [{ content: [null, 7, { type: "text" }, { type: "text", text: "ok" }] }, "ok"],
      [{ content: [], structuredContent: { b: 1, a: 2 } }, '{"a":2,"b":1}'],
      [{ content: [{ type: "text", text: "\u202Eevil\u0000" }] }, "evil"],
      [{ content: [{ type: "resource_link", uri: "https://x.example", name: "x" }] }, "[resource x https://x.example]"],
    ];
    for (const [what, text] of results) {
      assert.equal((await work(odd, { what })).text, text, JSON.stringify(what));
    }
    await failsAs("timeout", work(unkind("answers nonsense", { callTimeoutMs: 500 })));
    const long = await work(odd, { what: { content: [{ type: "text", text: "x".repeat(1_000_000) }] } });
    assert.equal(long.text.length, LONGEST_RESULT);
    assert.ok((long.rest ?? "").length < 262_144);
    assert.ok(long.rest?.includes("left out"));
  });

  it("is asked no more once nobody waits", async () => {
    const silent = unkind("says nothing");
    await silent.reach(SIGNAL);
    const stopped = new AbortController();
    const call = silent.call("work", {}, stopped.signal);
    stopped.abort(new Error("stopped"));
    await assert.rejects(call, /stopped/);
    // The connection is as good as before.
    assert.equal((await silent.tools(SIGNAL)).tools.length, 1);
  });
});

describe("the resources of a misbehaving tool server", () => {
  it("take no longer than a call may, however many pages there are", async () => {
    const server = unkind("lists resources slowly", { resources: true, callTimeoutMs: 500 });
    await failsAs("timeout", server.call("list_resources", {}, SIGNAL));
  });

  it("are bounded, and its own tool of such a name is none", async () => {
    const server = unkind("lies about resources", { resources: true });
    const { tools, faulty } = await server.tools(SIGNAL);
    assert.deepEqual(
      tools.map(({ name, hints }) => [name, hints.isReadOnly]),
      [
        ["list_resources", true],
        ["read_resource", true],
      ],
    );
    assert.deepEqual(faulty, [{ name: "read_resource", fault: "twice" }]);
    const { text, rest = "" } = await server.call("list_resources", {}, SIGNAL);
    assert.ok(text.length + rest.length < 300_000);
    // One resource a line, whatever its name is.
    assert.ok(text.split("\n").every((line) => line.startsWith("- x://") || line.startsWith("- (")));
    assert.doesNotMatch(text, /\u202e|@room/);
    const read = await server.call("read_resource", { uri: "x://a" }, SIGNAL);
    assert.match(read.text, /^!approve all\n/);
    assert.equal(read.files?.length, 1);
    await failsAs("malformed", server.call("read_resource", { uri: "x://nonsense" }, SIGNAL));
    assert.match((await server.call("read_resource", { uri: "x".repeat(3_000) }, SIGNAL)).text, /^Not done/);
  });
});

describe("the calls of tools", () => {
  it("are counted and timed by server and outcome", async () => {
    const metrics = createMetrics(() => undefined);
    const configs = ["is plain", "ends in a call"].map((how) => toolProgram([UNKIND_TOOL_SERVER, how]));
    const rules = { locality: "local", cloudModels: false, approvers: "asker", approverUsers: [] } as const;
    const own: OwnToolsConfig = {
      type: "own",
      ...rules,
      callTimeoutMs: 9_000,
      timeZone: "UTC",
      hosts: [],
      tools: new Map([["time", "never"]]),
    };
    const all = [...configs.map((config, at) => [`s${at}`, config] as const), ["ours", own] as const];
    const servers = new ToolServers(new Map<string, ToolServerConfig>(all), {
      makeOwn: (name, config) => new OwnTools(name, config, [timeTool("UTC")]),
      makePersonal: noSuchTools,
      log: silentLogger(),
      metrics,
    });
    await servers.call("s0", "work", {}, SIGNAL, contextOf());
    await failsAs("ended", servers.call("s1", "work", {}, SIGNAL, contextOf()));
    await servers.call("ours", "time", {}, SIGNAL, contextOf());
    await servers.call("ours", "time", { zone: "Moon/Crater" }, SIGNAL, contextOf());
    await failsAs("refused", servers.call("ours", "remind", {}, SIGNAL, contextOf()));
    await servers.stop();
    const text = await metrics.text();
    assert.match(text, /tool_call_seconds_count\{server="s0",outcome="done"\} 1/);
    assert.match(text, /tool_call_seconds_count\{server="s1",outcome="ended"\} 1/);
    for (const outcome of ["done", "error", "refused"])
      assert.ok(text.includes(`tool_call_seconds_count{server="ours",outcome="${outcome}"} 1`), outcome);
  });
});
