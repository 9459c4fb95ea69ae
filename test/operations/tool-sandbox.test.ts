import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { BUBBLEWRAP } from "../../src/tools/sandbox.ts";
import { ToolFailure } from "../../src/tools/tool-failure.ts";
import { ensurePrograms } from "../support/debian.ts";
import { inCheckout } from "../support/paths.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { toolServers, UNKIND_TOOL_SERVER } from "../support/tool-servers.ts";

const SIGNAL = new AbortController().signal;

describe("a tool server in its sandbox", () => {
  const { program, real, unkind, stop } = toolServers();
  let folder: string;
  let secret: string;
  const listener = createServer((socket) => socket.destroy());

  before(async () => {
    assert.equal(ensurePrograms({ commands: [BUBBLEWRAP], packages: ["bubblewrap"] }), undefined);
    const directory = await temporaryDirectory("sandbox");
    [folder, secret] = [join(directory, "in"), join(directory, "secret")];
    await mkdir(folder);
    await mkdir(secret);
    await writeFile(join(folder, "a.txt"), "Whales sing.");
    await writeFile(join(secret, "b.txt"), "hidden");
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
  });
  after(async () => {
    await stop();
    listener.close();
  });

  const code = { path: inCheckout("."), write: false };

  async function seenBy(more: {
    readonly write: boolean;
    readonly network: boolean;
  }): Promise<Record<string, unknown>> {
    const server = program([UNKIND_TOOL_SERVER, "shows its surroundings"], {
      sandbox: "bwrap",
      folders: [code, { path: folder, write: more.write }],
      network: more.network,
      env: { LOG: "info" },
    });
    const { port } = listener.address() as AddressInfo;
    const { text } = await server.call("work", { secret, folder, port }, SIGNAL);
    return JSON.parse(text) as Record<string, unknown>;
  }

  it("sees its folders and nothing else: no other files, processes, network or environment", async () => {
    process.env["TOOL_SANDBOX_SECRET"] = "hidden";
    const seen = await seenBy({ write: false, network: false });
    delete process.env["TOOL_SANDBOX_SECRET"];
    const env = { ...(seen["env"] as object), PWD: undefined };
    assert.deepEqual(env, { PWD: undefined, LOG: "info", PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/tmp" });
    assert.deepEqual([seen["home"], seen["secret"]], ["ENOENT", "ENOENT"]);
    assert.deepEqual(seen["folder"], ["a.txt"]);
    assert.equal(seen["written"], "EROFS");
    assert.ok(Number(seen["processes"]) <= 3, `${String(seen["processes"])} processes`);
    assert.equal(seen["dialled"], "ECONNREFUSED");
  });

  it("writes, and reaches the network, only where the admin says so", async () => {
    const seen = await seenBy({ write: true, network: true });
    assert.deepEqual([seen["written"], seen["dialled"], seen["secret"]], ["written", "connected", "ENOENT"]);
  });

  it("is one of the reference servers, at work", async () => {
    const files = real("filesystem", [folder], { sandbox: "bwrap", folders: [code, { path: folder, write: false }] });
    assert.equal((await files.call("read_text_file", { path: join(folder, "a.txt") }, SIGNAL)).text, "Whales sing.");
    const written = await files.call("write_file", { path: join(folder, "c.txt"), content: "x" }, SIGNAL);
    assert.equal(written.isError, true);
  });

  it("says what its tools can do: none reaches anything outside without a network", async () => {
    const folders = [code, { path: folder, write: false }];
    for (const [how, isConfined] of [
      [{ sandbox: "bwrap", network: false }, true],
      [{ sandbox: "bwrap", network: true }, false],
      [{ sandbox: "none", network: false }, false],
    ] as const) {
      // It says nothing of the world outside.
      const { tools } = await unkind("is plain", { folders, ...how }).tools(SIGNAL);
      const first = tools[0]?.hints;
      assert.deepEqual([first?.isConfined, first?.isOpenWorld], [isConfined, !isConfined]);
    }
  });

  it("does not start with a folder that is not there, or a file as its first, and says why", async () => {
    const missing = unkind("is plain", {
      sandbox: "bwrap",
      folders: [{ path: join(folder, "nowhere"), write: false }],
    });
    await assert.rejects(missing.tools(SIGNAL), { code: "unreachable", message: /nowhere is not there$/ });
    const file = join(folder, "a.txt");
    const ofFile = unkind("is plain", { sandbox: "bwrap", folders: [{ path: file, write: false }] });
    await assert.rejects(ofFile.tools(SIGNAL), {
      code: "unreachable",
      message: /the first of its folders.* is a file/,
    });
    const beside = unkind("is plain", { sandbox: "bwrap", folders: [code, { path: file, write: false }] });
    assert.equal((await beside.tools(SIGNAL)).tools.length, 1);
  });

  it("is ended with all that it has started when it takes too much", async () => {
    const folders = [code, { path: dirname(process.execPath), write: false }];
    const greedy = unkind("takes memory", { sandbox: "bwrap", folders, maxMemoryBytes: 200 * 1_048_576 });
    await assert.rejects(
      greedy.call("work", {}, SIGNAL),
      (error) => error instanceof ToolFailure && error.code === "too_much",
    );
    const forking = unkind("forks", { sandbox: "bwrap", folders, maxProcesses: 8 });
    await assert.rejects(
      forking.call("work", {}, SIGNAL),
      (error) => error instanceof ToolFailure && error.code === "too_much",
    );
    const { stdout } = spawnSync("ps", ["-eo", "args"], { encoding: "utf8" });
    assert.doesNotMatch(stdout, /^sleep 60$/m);
  });
});
