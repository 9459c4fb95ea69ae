import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dump } from "js-yaml";
import { startToolsWithSignIn } from "../../support/authorization-server.ts";
import { runCommand, type CommandResult } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import { realToolServer } from "../../support/tool-servers.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const NODE = { type: "stdio", command: process.execPath, sandbox: "none" };

/** `matrix-agents tools` on a configuration with these servers, in a folder of its own. */
async function tools(servers: object, ...args: string[]): Promise<CommandResult & { readonly folder: string }> {
  const folder = await temporaryDirectory("tools");
  const config = join(folder, "config.yaml");
  // Nothing listens at this homeserver.
  const homeserver = { url: "http://127.0.0.1:1", domain: "example.org" };
  const rest = { providers: { demo: { type: "demo" } }, agents: { demo: { provider: "demo" } } };
  await writeFile(config, dump({ homeserver, ...rest, tools: servers }));
  return { ...(await runCommand(["tools", ...args, "-c", config])), folder };
}

async function realServers(): Promise<Readonly<Record<string, object>>> {
  const folder = await temporaryDirectory("handbook");
  return {
    everything: { ...NODE, args: [realToolServer("everything")], approval: "always_ask" },
    files: { ...NODE, args: [realToolServer("filesystem"), folder], tools: { "*": "refuse", read_text_file: "never" } },
    memory: { ...NODE, args: [realToolServer("memory")], env: { MEMORY_FILE_PATH: join(folder, "memory.jsonl") } },
    own: { type: "own", tools: { time: "never", remind: "ask" } },
  };
}

describe("matrix-agents tools", () => {
  it("reaches real servers without a homeserver or a database, and leaves nothing behind", async () => {
    const { code, stdout, stderr, folder } = await tools(await realServers());
    assert.equal(code, 0, stderr);
    const lines = stdout.trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^✓ everything: stdio, cloud, no sandbox, with network; answers in \d+ ms, \d+ tools/);
    assert.match(lines[1] ?? "", /^✓ files: .* 1 offered$/);
    assert.match(lines[2] ?? "", /^✓ memory: .*\d+ tools, \d+ offered$/);
    assert.match(lines[3] ?? "", /^✓ own: own, local; 2 tools, 2 offered$/);
    assert.equal(lines.length, 4);
    assert.deepEqual(await readdir(folder), ["config.yaml"]);
  });

  it("reaches the authorisation server of one to which people sign in, and signs in nobody", async () => {
    await using server = await startToolsWithSignIn();
    const tickets = { type: "http", url: server.url, sign_in: { issuer: server.issuer } };
    const { code, stdout, stderr } = await tools({ tickets }, "tickets");
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^✓ tickets: http, local, 127\.0\.0\.1:\d+; people sign in at http:\/\/127\.0\.0\.1:\d+, and each/,
    );
    assert.equal(stderr, "");
    assert.deepEqual([server.grants, server.calls], [[], []]);
  });

  it("shows each tool of one server, and starts no other one", async () => {
    const servers = { ...(await realServers()), gone: { ...NODE, args: [join("/", "nothing", "here.js")] } };
    const { code, stdout } = await tools(servers, "files");
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ {2}read_text_file +only reads; nobody has to agree$/m);
    assert.match(stdout, /^ {2}write_file +changes things, twice is as once; refused$/m);
    assert.doesNotMatch(stdout, /gone|everything/);
  });

  it("ends with 1 where a server is not there, and tells of the others all the same", async () => {
    const url = `http://127.0.0.1:${await freePort()}/mcp`;
    const { files } = await realServers();
    const { code, stdout } = await tools({ files, gone: { type: "http", url } }, "list");
    assert.equal(code, 1);
    assert.match(stdout, /^✓ files: /m);
    assert.match(
      stdout,
      /^✗ gone: http, local, 127\.0\.0\.1:\d+; can't be reached: nothing listens there \(ECONNREFUSED\)/m,
    );
    assert.match(stdout, /^ {2}→ start it, or correct the url and token of tools\.gone$/m);
  });

  it("ends with 1 where a program is not there", async () => {
    const { code, stdout } = await tools({ gone: { ...NODE, command: "/usr/bin/no-such-program" } });
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^✗ gone: .*can't be reached/);
  });

  it("says of a program that ends at once that the connection ended", async () => {
    const { code, stdout } = await tools({ gone: { ...NODE, args: ["/nothing/here.js"] } });
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^✗ gone: .*can't be reached: the connection ended \(/);
  });

  it("prints JSON for programs", async () => {
    const { stdout } = await tools(await realServers(), "--json");
    const servers = JSON.parse(stdout) as {
      name: string;
      state: string;
      tools: { name: string; approval: string }[];
    }[];
    assert.deepEqual(
      servers.map(({ name, state }) => `${name} ${state}`),
      ["everything answered", "files answered", "memory answered", "own answered"],
    );
    const approvals = new Set(servers[0]?.tools.map(({ approval }) => approval));
    assert.deepEqual(approvals, new Set(["always_ask"]));
    assert.deepEqual(servers[3]?.tools.map(({ name, approval }) => `${name} ${approval}`).sort(), [
      "remind ask",
      "time never",
    ]);
  });

  it("knows a configuration without tools, and names a server that was misspelt", async () => {
    assert.deepEqual((await tools({})).stdout, "config.yaml names no tools\n");
    const { code, stderr } = await tools(await realServers(), "fils");
    assert.equal(code, 2);
    assert.match(stderr, /there is no tool server "fils": .*; did you mean files\?/);
    assert.equal((await tools({}, "files", "memory")).code, 2);
  });
});
