import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { dump, load, loadAll } from "js-yaml";
import { loadConfig } from "../../src/config/load.ts";
import { checkoutVersion } from "../support/installed-package.ts";
import { goTool, runTool } from "../support/go-tools.ts";
import { ensureLinters, lint } from "../support/linters.ts";
import { inCheckout } from "../support/paths.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const CHART = inCheckout("docker/helm");

/** Reads a file of manifests as strictly as the API server does: with no field that it does not know. */
const VALIDATE = `
import sys, yaml, kubernetes_validate
for manifest in yaml.safe_load_all(open(sys.argv[1])):
    if manifest: kubernetes_validate.validate(manifest, "1.34", strict=True)
`;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: unknown;
}

/** The values of deployments that differ in what the templates ask. */
const DEPLOYMENTS: Readonly<Record<string, object>> = {
  "as it is": {},
  "on an embedded database": { postgresql: false, persistence: { storageClass: "fast" } },
  "with everything": {
    replicas: 3,
    image: { repository: "registry.example.org/agents", tag: "1.2.3" },
    imagePullSecrets: [{ name: "registry" }],
    config: {
      providers: { demo: { type: "demo" }, ollama: { type: "ollama", url: "http://ollama:11434", locality: "local" } },
    },
    networkPolicy: {
      from: [{ podSelector: { matchLabels: { app: "synapse" } } }],
      egress: [{ to: [{ podSelector: { matchLabels: { app: "synapse" } } }], ports: [{ port: 8008 }] }],
    },
    podAnnotations: { "example.org/a": "b" },
    nodeSelector: { disk: "ssd" },
    tolerations: [{ key: "gpu", operator: "Exists" }],
    affinity: { nodeAffinity: {} },
  },
};

describe("docker/helm", () => {
  let helm: string;
  before(async () => {
    helm = await goTool("helm");
    await ensureLinters();
  });

  async function rendered(values: object): Promise<{ file: string; manifests: Manifest[] }> {
    const folder = await temporaryDirectory("chart");
    await writeFile(join(folder, "values.yaml"), dump(values));
    const args = ["template", "agents", CHART, "--namespace", "matrix", "-f", join(folder, "values.yaml")];
    const { code, stdout, said } = await runTool(helm, args);
    assert.equal(code, 0, said);
    const file = join(folder, "manifests.yaml");
    await writeFile(file, stdout);
    return { file, manifests: (loadAll(stdout) as (Manifest | null)[]).filter((manifest) => manifest !== null) };
  }

  it("is of this version", async () => {
    const { version, appVersion } = load(await readFile(join(CHART, "Chart.yaml"), "utf8")) as Record<string, string>;
    const current = await checkoutVersion();
    assert.deepEqual([version, appVersion], [current, current]);
  });

  it("has no faults that helm's own linter knows", async () => {
    const { code, said } = await runTool(helm, ["lint", "--strict", CHART]);
    assert.equal(code, 0, said);
  });

  for (const [name, values] of Object.entries(DEPLOYMENTS)) {
    it(`makes manifests that Kubernetes knows, and settings that the bridge takes, ${name}`, async () => {
      const { file, manifests } = await rendered(values);
      assert.equal(await lint("python", ["-c", VALIDATE, file]), "");
      const wrong = `${file}.wrong`;
      await writeFile(wrong, (await readFile(file, "utf8")).replace("automountServiceAccountToken", "automountToken"));
      assert.match(await lint("python", ["-c", VALIDATE, wrong]), /automountToken/);
      const settings = manifests.find(({ kind }) => kind === "ConfigMap")?.data?.["config.yaml"] ?? "";
      // The files of the Secret are where the cluster would mount it.
      const secrets = join(await temporaryDirectory("secrets"), "matrix-agents");
      await mkdir(secrets);
      await writeFile(join(secrets, "database_url"), "postgres://agents@postgres/agents", { mode: 0o600 });
      const config = join(secrets, "config.yaml");
      await writeFile(config, settings.replaceAll("/run/secrets/matrix-agents", secrets), { mode: 0o600 });
      assert.equal((await loadConfig(config)).appservice.port, 9993);
    });
  }

  it("refuses several replicas of an embedded database", async () => {
    const args = ["template", "agents", CHART, "--set", "postgresql=false,replicas=2"];
    const { code, said } = await runTool(helm, args);
    assert.notEqual(code, 0);
    assert.match(said, /several replicas share one PostgreSQL/);
  });
});
