import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { changed, exampleSite } from "../../support/docker-files.ts";
import { ensureLinters, lint } from "../../support/linters.ts";
import { inCheckout } from "../../support/paths.ts";

/**
 * Reads an nginx configuration and checks for each directive that it exists, stands in an allowed place, and has valid
 * arguments. It takes the lines of a `map` for directives.
 */
const READ_NGINX = `
import re, sys, crossplane
found = crossplane.parse(sys.argv[1], single=True, strict=True)["errors"]
sys.exit("\\n".join(e["error"] for e in found if not re.match('unknown directive "(default|)"', e["error"])) or None)
`;

describe("the files of docker/", () => {
  before(ensureLinters);

  it("hold a Dockerfile without complaints from its linter", async () => {
    assert.equal(await lint("hadolint", [inCheckout("docker/Dockerfile")]), "");
    assert.match(await lint("hadolint", [await changed("docker/Dockerfile", /:24[\w.-]+$/m, "")]), /DL3006/);
  });

  it("hold a compose file that follows the Compose specification", async () => {
    const check = (file: string) => lint("check-jsonschema", ["--builtin-schema", "vendor.compose-spec", file]);
    assert.equal(await check(inCheckout("docker/compose.yaml")), "");
    assert.match(await check(await changed("docker/compose.yaml", "mem_limit: 1g", "memory: 1g")), /memory/);
  });

  it("hold scripts for any POSIX shell", async () => {
    const scripts = ["setup.sh", "debian/build.sh", "debian/postinst", "debian/prerm", "debian/postrm"];
    assert.equal(
      await lint(
        "shellcheck",
        scripts.map((name) => inCheckout(`docker/${name}`)),
      ),
      "",
    );
    const wrong = await changed("docker/setup.sh", "server_name=$1", "local server_name=$1");
    assert.match(await lint("shellcheck", [wrong]), /SC3043|SC2168/);
  });

  it("hold nginx configurations with existing directives in allowed places", async () => {
    for (const file of [inCheckout("docker/element/nginx.conf"), await exampleSite()]) {
      assert.equal(await lint("python", ["-c", READ_NGINX, file]), "");
    }
    const wrong = await exampleSite((text) => text.replace("allow 192.0.2.10;", "allow;"));
    assert.match(await lint("python", ["-c", READ_NGINX, wrong]), /allow/);
  });
});
