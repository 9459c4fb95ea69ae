import assert from "node:assert/strict";
import { chmod, chown, lstat, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { writeSecretFile } from "../../../src/setup/secret-file.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

describe("a secret file", () => {
  it("is readable only by its owner when it is new", async () => {
    const file = join(await temporaryDirectory("secret"), "registration.yaml");
    for (const overwrite of [false, true]) {
      await writeSecretFile(`${file}-${overwrite}`, "new", { overwrite });
      assert.equal((await stat(`${file}-${overwrite}`)).mode & 0o777, 0o600);
    }
  });

  it("stays as it is when it may not be overwritten", async () => {
    const file = join(await temporaryDirectory("secret"), "registration.yaml");
    await writeFile(file, "old");
    await assert.rejects(writeSecretFile(file, "new", { overwrite: false }), /exists already and is left as it is/);
    assert.equal(await readFile(file, "utf8"), "old");
  });

  it("is no folder, whether it may be overwritten or not", async () => {
    const folder = await temporaryDirectory("secret");
    for (const overwrite of [false, true]) {
      const how = { overwrite, otherwise: "--force overwrites it" };
      await assert.rejects(writeSecretFile(folder, "new", how), /can't be written: it is a folder, not a file$/);
    }
    assert.deepEqual(await readdir(folder), []);
  });

  for (const [before, after] of [
    [0o640, 0o640],
    [0o664, 0o660],
    [0o600, 0o600],
  ] as const) {
    it(`of mode ${before.toString(8)} has ${after.toString(8)} when it is overwritten`, async () => {
      const file = join(await temporaryDirectory("secret"), "registration.yaml");
      await writeFile(file, "old");
      await chmod(file, before);
      await writeSecretFile(file, "new", { overwrite: true });
      assert.equal((await stat(file)).mode & 0o7777, after);
      assert.equal(await readFile(file, "utf8"), "new");
    });
  }

  // Root may give a file to anybody, others only to their groups.
  const isRoot = process.getuid?.() === 0;
  const own = process.getgid?.() ?? 0;
  const group = isRoot ? 4_321 : (process.getgroups?.().find((one) => one !== own) ?? own);
  it("keeps its owner and group", async () => {
    const file = join(await temporaryDirectory("secret"), "registration.yaml");
    await writeFile(file, "old", { mode: 0o640 });
    const owner = isRoot ? 1_234 : (process.getuid?.() ?? 0);
    await chown(file, owner, group);
    await writeSecretFile(file, "new", { overwrite: true });
    const { uid, gid, mode } = await stat(file);
    assert.deepEqual([uid, gid, mode & 0o777], [owner, group, 0o640]);
  });

  it("is written to a link's target, and nothing is left beside it", async () => {
    const folder = await temporaryDirectory("secret");
    const [file, other] = [join(folder, "registration.yaml"), join(await temporaryDirectory("other"), "synapse.yaml")];
    await writeFile(other, "old");
    await symlink(other, file);
    await writeSecretFile(file, "new", { overwrite: true });
    assert.ok((await lstat(file)).isSymbolicLink());
    assert.equal(await readFile(other, "utf8"), "new");
    assert.deepEqual(await readdir(folder), ["registration.yaml"]);
  });
});
