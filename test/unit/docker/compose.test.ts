import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { SYNAPSE_VERSION } from "../../../quickstart/synapse.ts";
import { STOP_LIMIT_MS } from "../../../src/cli/run-bridge.ts";
import { readCompose } from "../../support/compose.ts";
import { inCheckout } from "../../support/paths.ts";

const { services, networks, secrets } = await readCompose();
const all = Object.entries(services);

/** The services of a network. */
function membersOf(network: string): string[] {
  return all.filter(([, service]) => service.networks.includes(network)).map(([name]) => name);
}

describe("docker/compose.yaml", () => {
  it("gives no service more than it needs", () => {
    for (const [name, service] of all) {
      assert.equal(service.read_only, true, `${name} can write to its root file system`);
      assert.deepEqual(service.cap_drop, ["ALL"], name);
      assert.deepEqual(service.cap_add ?? [], [], name);
      assert.deepEqual(service.security_opt, ["no-new-privileges:true"], name);
      assert.match(service.user ?? "", /^\$\{CONTAINER_USER:\?/, `${name} may run as root`);
      assert.match(service.mem_limit ?? "", /^\d+[mg]$/, `${name} may take all memory`);
      assert.ok(service.pids_limit, `${name} may start programs without end`);
      for (const key of ["privileged", "network_mode", "pid", "ipc", "devices", "extra_hosts"]) {
        assert.ok(!(key in service), `${name} has ${key}`);
      }
    }
  });

  it("shows services nothing of the machine but docker/", () => {
    for (const [name, { volumes = [] }] of all) {
      for (const volume of volumes) {
        const [source = "", , mode] = volume.split(":");
        assert.match(source, /^\.\/(?!.*\.\.)/, `${name} mounts ${source}`);
        // A container may write only to data.
        if (mode !== "ro") assert.match(source, /^\.\/local\/(postgres|ollama|synapse\/data|bridge\/data)$/, name);
      }
    }
  });

  it("gives no service a way out but Element's nginx, and the model download while it runs", () => {
    const open = Object.keys(networks).filter((name) => networks[name]?.internal !== true);
    assert.deepEqual(open, ["outside"]);
    assert.deepEqual(membersOf("outside"), ["element", "pull"]);
    assert.deepEqual(services["pull"]?.profiles, ["pull"]);
    assert.deepEqual(membersOf("models"), ["ollama", "bridge"]);
    assert.deepEqual(membersOf("database"), ["postgres", "synapse", "bridge"]);
    assert.deepEqual(membersOf("inside"), ["synapse", "bridge", "element"]);
  });

  it("publishes only Element and the client API, on this machine only", () => {
    const ports = all.flatMap(([name, service]) => (service.ports ?? []).map((port) => `${name} ${port}`));
    assert.deepEqual(ports, ["element 127.0.0.1:8080:8080", "element 127.0.0.1:8008:8081"]);
  });

  it("passes secrets as files, each to the services that need it", async () => {
    const setup = await readFile(inCheckout("docker/setup.sh"), "utf8");
    for (const [name, { file }] of Object.entries(secrets)) {
      assert.equal(file, `./local/secrets/${name}`);
      assert.ok(setup.includes(`keep $s/${name}`), `setup.sh makes no ${name}`);
    }
    const holders = Object.keys(secrets).map((secret) => [
      secret,
      all.filter(([, service]) => service.secrets?.includes(secret)).map(([name]) => name),
    ]);
    assert.deepEqual(Object.fromEntries(holders), {
      postgres_password: ["postgres"],
      synapse_database_passfile: ["postgres", "synapse"],
      synapse_registration_shared_secret: ["synapse"],
      synapse_macaroon_secret_key: ["synapse"],
      synapse_form_secret: ["synapse"],
      synapse_signing_key: ["synapse"],
      bridge_database_url: ["postgres", "bridge"],
      master_key: ["bridge"],
      "registration.yaml": ["synapse", "bridge"],
    });
    for (const [name, { environment = {} }] of all) {
      for (const key of Object.keys(environment)) {
        assert.doesNotMatch(key, /(PASSWORD|SECRET|TOKEN|KEY)$/, `${name} has a secret in its environment`);
      }
    }
  });

  it("pins the images that it runs", async () => {
    for (const [name, { image }] of all) {
      assert.match(image, /:v?\d+\.\d+\.\d+(-[a-z]+)?$|^postgres:\d+\.\d+-[a-z]+$/, `${name} runs any ${image}`);
    }
    const manifest = JSON.parse(await readFile(inCheckout("package.json"), "utf8")) as { version: string };
    assert.equal(services["bridge"]?.image, `matrix-appservice-agents:${manifest.version}`);
    // All tests run this Synapse.
    assert.equal(services["synapse"]?.image, `ghcr.io/element-hq/synapse:v${SYNAPSE_VERSION}`);
    assert.equal(services["pull"]?.image, services["ollama"]?.image);
  });

  it("starts each service when those that it needs are healthy, and knows whether each is", () => {
    for (const [name, service] of all) {
      if (name !== "pull") assert.equal(service.healthcheck?.test[0], "CMD", `${name} is never asked how it is`);
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        assert.equal(condition, "service_healthy", `${name} does not wait for ${other}`);
      }
    }
    assert.deepEqual(Object.keys(services["bridge"]?.depends_on ?? {}), ["postgres", "synapse"]);
  });

  it("gives the bridge more time to stop than it needs", async () => {
    const schema = await readFile(inCheckout("config.schema.yaml"), "utf8");
    const drain = Number(/^ +drain:[\s\S]*?default: "?(\d+)s/m.exec(schema)?.[1]);
    assert.ok(Number.parseInt(services["bridge"]?.stop_grace_period ?? "", 10) > STOP_LIMIT_MS / 1000 + drain);
  });

  it("has the services that the documents name", async () => {
    for (const document of ["docs/admin-guide.md", "docs/deployment.md", "docs/hardening.md", "docker/compose.yaml"]) {
      const text = await readFile(inCheckout(document), "utf8");
      const spoken = [
        ...text.matchAll(/docker compose -f docker\/compose\.yaml (?:exec|run --rm|kill --signal HUP) (\w+)/g),
      ];
      assert.ok(spoken.length > 0, document);
      for (const [command, name = ""] of spoken) assert.ok(name in services, `${document}: ${command}`);
    }
  });
});
