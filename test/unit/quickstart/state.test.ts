import assert from "node:assert/strict";
import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { clearFolder, folderOf, makeFolder, writeSecret } from "../../../quickstart/folder.ts";
import { firstState, loadState, parseState, saveState } from "../../../quickstart/state.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

async function emptyFolder() {
  const folder = folderOf("/checkout", { QUICKSTART_DIR: join(await temporaryDirectory("quickstart"), "local") });
  await makeFolder(folder);
  return folder;
}

describe("the quickstart's state", () => {
  it("is read back as it was saved, and only its owner can read it", async () => {
    const folder = await emptyFolder();
    assert.equal(await loadState(folder), undefined);
    const state = { ...firstState(), synapsePort: 1234 };
    await saveState(folder, state);
    assert.deepEqual(await loadState(folder), state);
    assert.equal((await stat(folder.state)).mode & 0o777, 0o600);
    assert.equal((await stat(folder.root)).mode & 0o777, 0o700);
  });

  it("has another password in each folder", () => {
    assert.notEqual(firstState().user.password, firstState().user.password);
  });

  it("says how to go on when it is damaged", async () => {
    const folder = await emptyFolder();
    await writeFile(folder.state, "{");
    await assert.rejects(loadState(folder), { name: "QuickstartError", message: /damaged.*--reset/ });
  });

  for (const damage of [
    "null",
    "[]",
    JSON.stringify({ ...firstState(), synapsePort: 0 }),
    JSON.stringify({ ...firstState(), bridgePort: "19008" }),
    JSON.stringify({ ...firstState(), user: { localpart: "you" } }),
  ]) {
    it(`is missing in ${damage}`, () => {
      assert.equal(parseState(damage), undefined);
    });
  }
});

describe("the quickstart's folder", () => {
  it("is under the checkout except for the parts that the environment puts elsewhere", () => {
    assert.equal(folderOf("/checkout", {}).config, "/checkout/.local/config.yaml");
    const elsewhere = folderOf("/checkout", { QUICKSTART_DIR: "/elsewhere" });
    assert.equal(elsewhere.config, "/elsewhere/config.yaml");
    assert.equal(elsewhere.venv, "/checkout/.local/venv");
  });

  it("keeps only the lock when it is cleared", async () => {
    const folder = await emptyFolder();
    await writeSecret(folder.lock, "");
    await writeSecret(folder.recoveryKey, "secret");
    await saveState(folder, firstState());
    await clearFolder(folder);
    assert.deepEqual(await readdir(folder.root), ["quickstart.lock"]);
  });

  it("makes a secret private that others could read", async () => {
    const folder = await emptyFolder();
    await writeFile(folder.recoveryKey, "old");
    await chmod(folder.recoveryKey, 0o644);
    await writeSecret(folder.recoveryKey, "new");
    assert.equal((await stat(folder.recoveryKey)).mode & 0o777, 0o600);
  });
});
