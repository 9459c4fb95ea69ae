import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:tls";
import { connect, type AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import { generate } from "selfsigned";
import { runCommand } from "../support/command.ts";
import { prepareDeployment, type Deployment } from "../support/deployment.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** Where a homeserver has a certificate of an authority that nobody else knows. */
describe("a homeserver behind TLS, with a certificate of the admin's own authority", () => {
  let deployment: Deployment;
  let ca: string;
  let url: string;
  const closers: (() => unknown)[] = [];

  before(async () => {
    const { private: key, cert } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
      extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
    });
    deployment = await prepareDeployment({
      through: async (edge, plain) => {
        if (edge !== "bridge to synapse") return plain;
        const listener = createServer({ key, cert }, (socket) => {
          const target = connect(Number(new URL(plain).port), "127.0.0.1");
          const end = (): void => {
            socket.destroy();
            target.destroy();
          };
          socket.on("error", end).on("close", end).pipe(target);
          target.on("error", end).on("close", end).pipe(socket);
        });
        listener.listen(0, "127.0.0.1");
        await once(listener, "listening");
        closers.push(() => listener.close());
        url = `https://127.0.0.1:${(listener.address() as AddressInfo).port}`;
        return url;
      },
    });
    ca = join(deployment.settings.directory, "ca.pem");
    await writeFile(ca, cert);
  });
  after(async () => {
    await deployment.stop();
    for (const close of closers) close();
  });

  async function trust(file: string): Promise<void> {
    const config = load(await readFile(deployment.files.config, "utf8")) as { homeserver: object };
    await writeFile(deployment.files.config, dump({ ...config, homeserver: { ...config.homeserver, ca_file: file } }));
  }

  it("is not trusted by itself: doctor names the setting", async () => {
    const { code, stdout } = await deployment.command(["doctor"]);
    assert.equal(code, 1);
    assert.match(stdout, /certificate of 127\.0\.0\.1:\d+ is not trusted.*\n +→ name it, .*homeserver\.ca_file/);
  });

  it("is set up by init, which keeps the file's place in config.yaml", async () => {
    const folder = await temporaryDirectory("init");
    const file = join(folder, "config.yaml");
    const args = [
      "init",
      "--yes",
      "--no-wait",
      "-c",
      file,
      "--homeserver",
      url,
      "--domain",
      deployment.synapse.serverName,
    ];
    const env = { OLLAMA_HOST: "127.0.0.1:1" };
    const refused = await runCommand(args, "", { env });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /is not trusted.*init --ca-file/);
    const absent = await runCommand([...args, "--ca-file", join(folder, "absent.pem")], "", { env });
    assert.equal(absent.code, 1);
    assert.match(absent.stderr, /absent\.pem can't be read: there is no such file/);
    const { code, stdout, stderr } = await runCommand([...args, "--ca-file", ca], "", { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Synapse 1\.\d+/);
    const { homeserver } = load(await readFile(file, "utf8")) as { homeserver: object };
    assert.deepEqual(homeserver, { url, ca_file: ca, domain: deployment.synapse.serverName });
  });

  it("gets agents that encrypt and answer, and doctor finds nothing wrong with it", async () => {
    await trust("./ca.pem");
    await deployment.startBridge();
    const alice = await deployment.user("js-sdk", "alice");
    const agent = deployment.agent("demo");
    const roomId = await alice.createRoom({ direct: true, encrypted: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    const question = await alice.sendText({ roomId, body: "hello" });
    const { body } = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.match(body, /demo agent/);

    const { stdout } = await deployment.command(["doctor", "--json"]);
    const { checks } = JSON.parse(stdout) as { checks: { check: string; findings: { status: string }[] }[] };
    for (const name of ["homeserver", "registration", "ping", "features", "devices", "cross-signing"]) {
      const { findings = [] } = checks.find(({ check }) => check === name) ?? {};
      assert.ok(
        findings.length > 0 && findings.every(({ status }) => status === "good"),
        `${name}: ${JSON.stringify(findings)}`,
      );
    }
    const backup = await deployment.command(["keys", "backup"]);
    assert.deepEqual([backup.code, backup.stderr], [0, ""], backup.stdout);
  });

  it("has nothing to back up where agents do not encrypt", async () => {
    const config = load(await readFile(deployment.files.config, "utf8")) as object;
    const file = join(deployment.settings.directory, "plain.yaml");
    await writeFile(file, dump({ ...config, encryption: { mode: "off" } }), { mode: 0o600 });
    const { code, stdout } = await runCommand(["keys", "backup", "-c", file]);
    assert.equal(code, 0);
    assert.match(stdout, /encryption\.mode is off/);
  });

  it("is checked as a whole conversation by doctor --roundtrip", async () => {
    const secret = join(deployment.synapseDirectory, "registration_shared_secret");
    const { stdout } = await deployment.command(["doctor", "--roundtrip", "--shared-secret-file", secret]);
    assert.match(stdout, /@agent_demo:\S+ joined an encrypted chat in \d+ ms, and answered/);
    const wrong = await deployment.command([
      "doctor",
      "--roundtrip",
      "--shared-secret-file",
      secret,
      "--agent",
      "nosuch",
    ]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, /there is no agent nosuch: there are @agent_demo:/);
  });
});
