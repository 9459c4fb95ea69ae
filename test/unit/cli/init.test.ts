import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { load } from "js-yaml";
import { CommandThread } from "../../support/command-thread.ts";
import { freePort } from "../../support/free-port.ts";
import { inCheckout } from "../../support/paths.ts";
import { startProcess } from "../../support/process.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** Runs a command on its own terminal, and types an answer whenever it asks the next question. */
const ON_A_TERMINAL = `
import json, os, pty, sys
answers = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
while True:
    try:
        read = os.read(terminal, 4096)
    except OSError:
        break
    if not read:
        break
    shown += read
    if answers and answers[0][0].encode() in shown:
        os.write(terminal, answers.pop(0)[1].encode())
        shown = b""
    sys.stdout.buffer.write(read)
    sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

interface Ended {
  readonly code: number | null;
  readonly shown: string;
}

describe("matrix-agents init", () => {
  const commands = new CommandThread({ ...process.env, OLLAMA_HOST: "127.0.0.1:1" });
  let url: string;
  /** An Ollama without a model. */
  let ollama: string;
  const servers: Server[] = [];

  async function serve(answers: Readonly<Record<string, object>>): Promise<string> {
    const server = createServer((request, response) => {
      const answer = answers[request.url ?? ""];
      response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(answer ?? {}));
    });
    servers.push(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  before(async () => {
    url = await serve({
      "/_matrix/client/versions": { versions: ["v1.11"] },
      "/_matrix/key/v2/server": { server_name: "example.test" },
    });
    ollama = await serve({ "/api/tags": { models: [] } });
  });
  after(async () => {
    for (const server of servers) server.close();
    await commands.stop();
  });

  async function init(folder: string, answers: readonly (readonly [string, string])[]): Promise<Ended> {
    const command = [
      process.execPath,
      inCheckout("src/main.js"),
      "init",
      "--no-wait",
      "-c",
      join(folder, "config.yaml"),
    ];
    const terminal = await startProcess({
      command: "python3",
      args: ["-c", ON_A_TERMINAL, JSON.stringify(answers), ...command],
      env: { OLLAMA_HOST: "127.0.0.1:1" },
    });
    const { code } = await terminal.exited;
    return { code, shown: terminal.stdout.join("\n") };
  }

  /** Without a terminal. */
  async function initBy(folder: string, ...options: readonly string[]): Promise<Ended> {
    const args = ["init", "--no-wait", "-c", join(folder, "config.yaml"), ...options];
    const { code, stdout, stderr } = await commands.run(args);
    return { code, shown: stdout + stderr };
  }

  it("asks on a terminal for missing settings, again after an impossible answer, and proposes what it found out", async () => {
    const folder = join(await temporaryDirectory("init"), "agents");
    const { code, shown } = await init(folder, [
      ["reaches it", "not a url\r"],
      ["Expected a URL", `${url}\r`],
      ["[example.test]:", "wrong.test\r"],
      ["calls itself example.test", "\r"],
      ["demo agent alone [-]:", "\r"],
    ]);
    assert.equal(code, 0, shown);
    assert.match(shown, /app_service_config_files:/);
    const { homeserver, providers } = load(await readFile(join(folder, "config.yaml"), "utf8")) as Record<
      string,
      object
    >;
    assert.deepEqual(homeserver, { url, domain: "example.test" });
    assert.deepEqual(providers, { demo: { type: "demo" } });
  });

  it("asks on a terminal for another address where no homeserver and no Ollama answers", async () => {
    const folder = join(await temporaryDirectory("init"), "agents");
    const { code, shown } = await init(folder, [
      ["reaches it", "http://127.0.0.1:1\r"],
      ["nothing listens at 127.0.0.1:1", `${ollama}\r`],
      ["is no homeserver", `${url}\r`],
      ["[example.test]:", "\r"],
      ["demo agent alone [-]:", "http://127.0.0.1:1\r"],
      ["No Ollama answers at http://127.0.0.1:1.", `${url}\r`],
      ["something else answers", `${ollama}\r`],
    ]);
    assert.equal(code, 0, shown);
    assert.match(shown, /on which it listens\r?\n/);
    const written = load(await readFile(join(folder, "config.yaml"), "utf8")) as Record<string, object>;
    assert.deepEqual(written["providers"], {
      ollama: { type: "ollama", url: ollama, discover: true },
      demo: { type: "demo" },
    });
    assert.deepEqual(written["agents"], { demo: { provider: "demo", display_name: "Demo" } });
  });

  it("refuses a named Ollama that does not answer, and changes nothing", async () => {
    const folder = await temporaryDirectory("init");
    const first = ["--yes", "--homeserver", url, "--domain", "example.test"];
    for (const [dead, says] of [
      ["http://127.0.0.1:1", /No Ollama answers at http:\/\/127\.0\.0\.1:1: start it first/],
      [url, /No Ollama, but something else answers at/],
    ] as const) {
      const { code, shown } = await initBy(folder, ...first, "--ollama", dead);
      assert.equal(code, 1);
      assert.match(shown, says);
      await assert.rejects(stat(join(folder, "config.yaml")));
    }
    assert.equal((await initBy(folder, ...first)).code, 0);
    const before = await readFile(join(folder, "config.yaml"), "utf8");
    assert.equal((await initBy(folder, "--ollama", "http://127.0.0.1:1")).code, 1);
    assert.equal(await readFile(join(folder, "config.yaml"), "utf8"), before);
    const { code, shown } = await initBy(folder, "--ollama", ollama);
    assert.equal(code, 0, shown);
    assert.match(shown, /has no model yet.*\n[^]*Changed providers\.ollama/);
  });

  /** A homeserver whose listener serves clients alone; `knows` once it has the registration. */
  async function clientListener(domain: string): Promise<{ url: string; asked: string[]; knows: () => void }> {
    const asked: string[] = [];
    let isKnown = false;
    const server = createServer((request, response) => {
      const path = request.url ?? "";
      const answer = (status: number, body: object): void => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      };
      if (path === "/_matrix/client/versions") {
        answer(200, { versions: ["v1.11"] });
        return;
      }
      if (request.headers.authorization === undefined) {
        answer(404, { errcode: "M_UNRECOGNIZED", error: "no" });
        return;
      }
      asked.push(path);
      if (!isKnown) {
        answer(401, { errcode: "M_UNKNOWN_TOKEN", error: "no" });
        return;
      }
      if (path.endsWith("/ping")) {
        answer(200, { duration_ms: 1 });
        return;
      }
      answer(200, { user_id: `@agents:${domain}` });
    });
    servers.push(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, asked, knows: () => (isKnown = true) };
  }

  it("says where the server name stands, where this listener of the homeserver does not tell it", async () => {
    const folder = await temporaryDirectory("init");
    const { url: clients } = await clientListener("example.test");
    const { code, shown } = await initBy(folder, "--yes", "--homeserver", clients);
    assert.equal(code, 2);
    assert.match(shown, /needs --domain.*does not tell the server name.*server_name in homeserver\.yaml/);
    await assert.rejects(stat(join(folder, "config.yaml")));
  });

  it("waits for nobody with --yes: it says what to do, and a second one looks once, with an exit code that tells", async () => {
    const folder = await temporaryDirectory("init");
    const config = join(folder, "config.yaml");
    const port = String(await freePort());
    const homeserver = await clientListener("example.test");
    const yes = (...options: string[]) => commands.run(["init", "--yes", "-c", config, "--port", port, ...options]);
    const first = await yes("--homeserver", homeserver.url, "--domain", "example.test");
    assert.equal(first.code, 0, first.stderr);
    assert.match(
      first.stdout,
      /app_service_config_files[^]*start it: matrix-agents start[^]*: matrix-agents init --yes/,
    );
    assert.deepEqual(homeserver.asked, [], "a registration that was written just now is known to nobody");

    const second = await yes();
    assert.equal(second.code, 1);
    assert.match(
      second.stderr,
      /does not reach the bridge yet: .*does not know this registration's as_token.*run init again/,
    );
    assert.equal(homeserver.asked.length, 1, "it looks once");

    homeserver.knows();
    const third = await yes();
    assert.equal(third.code, 0, third.stderr);
    assert.match(third.stdout, /reaches this machine/);
  });

  it("finds a wrong server name as soon as the homeserver knows the registration", async () => {
    const folder = await temporaryDirectory("init");
    const config = join(folder, "config.yaml");
    const port = String(await freePort());
    const homeserver = await clientListener("example.test");
    homeserver.knows();
    const yes = (...options: string[]) => commands.run(["init", "--yes", "-c", config, "--port", port, ...options]);
    assert.equal((await yes("--homeserver", homeserver.url, "--domain", "exmaple.test")).code, 0);
    const wrong = await yes();
    assert.equal(wrong.code, 2);
    assert.match(
      wrong.stderr,
      /calls itself example\.test, not exmaple\.test: matrix-agents init --domain example\.test/,
    );
    const mended = await yes("--domain", "example.test");
    assert.equal(mended.code, 0, mended.stderr);
    assert.match(mended.stdout, /Changed homeserver\.domain in[^]*Changed namespaces in/);
    assert.equal((await yes()).code, 0);
  });

  it("writes nothing when the person stops answering", async () => {
    const folder = join(await temporaryDirectory("init"), "agents");
    const { code, shown } = await init(folder, [
      ["reaches it", `${url}\r`],
      ["after the colon", "\u0003"],
    ]);
    assert.equal(code, 2, shown);
    assert.match(shown, /not all answered; nothing was changed/);
    await assert.rejects(stat(folder));
  });

  it("changes the registration's url with the port only where the url is its own", async () => {
    const folder = await temporaryDirectory("init");
    const registration = join(folder, "registration.yaml");
    const registered = async (): Promise<unknown> =>
      (load(await readFile(registration, "utf8")) as { url: unknown }).url;
    assert.equal((await initBy(folder, "--yes", "--homeserver", url, "--domain", "example.test")).code, 0);
    assert.equal((await initBy(folder, "--port", "9994")).code, 0);
    assert.equal(await registered(), "http://127.0.0.1:9994");

    assert.equal((await initBy(folder, "--url", "https://agents.example.test")).code, 0);
    const { shown } = await initBy(folder, "--port", "9995", "--bind", "0.0.0.0");
    assert.match(shown, /Changed appservice.bind, appservice.port in/);
    assert.match(shown, /url stays https:\/\/agents\.example\.test/);
    assert.equal(await registered(), "https://agents.example.test");
  });

  it("asks for --url before anything else where the homeserver is on another machine", async () => {
    const folder = await temporaryDirectory("init");
    // The same address in a form that does not look like this machine's.
    const elsewhere = `http://[::ffff:127.0.0.1]:${new URL(url).port}`;
    const { code, shown } = await initBy(folder, "--homeserver", elsewhere, "--no-wait");
    assert.deepEqual([code, shown.includes("on another machine: add --url")], [2, true], shown);
  });

  it("says that a registration is no YAML, and changes nothing", async () => {
    const folder = await temporaryDirectory("init");
    const registration = join(folder, "registration.yaml");
    for (const text of ["a: [", "just words", "- a"]) {
      await writeFile(registration, text);
      const args = ["--homeserver", url, "--domain", "example.test", "--url", "http://127.0.0.1:1", "--yes"];
      const { code, shown } = await initBy(folder, ...args);
      assert.equal(code, 2, shown);
      assert.match(shown, /registration\.yaml has a mistake/);
      assert.equal(await readFile(registration, "utf8"), text);
    }
  });

  it("refuses an invalid address before it changes anything", async () => {
    const folder = await temporaryDirectory("init");
    const config = join(folder, "config.yaml");
    await writeFile(config, "untouched");
    for (const bind of ["not an address", "300.0.0.1", "127.0.0.1:9993", "fe80::1%eth0"]) {
      const { code, shown } = await initBy(folder, "--bind", bind);
      assert.equal(code, 2);
      assert.match(shown, /--bind: expected an address/);
    }
    assert.equal(await readFile(config, "utf8"), "untouched");
  });
});
