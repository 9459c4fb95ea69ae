import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { explainFileError, FileFault, reasonOfFileError } from "../../../src/observability/file-fault.ts";
import { currentUser, nameOfUser, systemUser } from "../../../src/observability/user-name.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const folder = await temporaryDirectory("file-fault");
await writeFile(join(folder, "file"), "");

function systemError(code: string, path = join(folder, "file")): Error {
  return Object.assign(new Error(`${code}: raw text, open '${path}'`), { code, path, syscall: "open" });
}

describe("an error of the file system", () => {
  for (const [path, words] of [
    ["absent", /there is no such file$/],
    ["absent/file", /there is no folder .*absent$/],
    ["file/file", /\/file is a file, not a folder; move it away, or name another place$/],
    ["file/a/b", /[^ab]\/file is a file, not a folder; /],
    [".", /it is a folder, not a file/],
    ["x".repeat(300), /its name is too long/],
  ] as const) {
    it(`of ${path.slice(0, 20)} is told in words`, async () => {
      const at = join(folder, path);
      const error: unknown = await readFile(at).catch((thrown: unknown) => thrown);
      assert.match(reasonOfFileError(error, at), words);
      const explained = explainFileError(error);
      if (path === ".") return;
      assert.ok(explained instanceof FileFault);
      assert.ok(explained.message.startsWith(`${at} can't be used: `));
    });
  }

  for (const [code, words] of [
    ["ENOSPC", /the disk is full.*df -h/],
    ["EDQUOT", /its quota is used up/],
    ["EROFS", /the file system is read-only.*ReadWritePaths/],
    ["EMFILE", /too many files are open.*LimitNOFILE/],
    ["EFBIG", /larger than this user may write.*ulimit -f/],
    ["EIO", /the disk fails/],
    ["ELOOP", /a link that leads to itself/],
    ["EBADF", /it is not open for that/],
    ["ENXIO", /a socket, or a device that is not there/],
    ["TOO_LARGE", /it is another file: it is far too large/],
    ["EWEIRD", /the system says EWEIRD/],
  ] as const) {
    it(`with ${code} says what to do`, () => {
      assert.match(reasonOfFileError(systemError(code), join(folder, "file")), words);
    });
  }

  it("without the right names the user, the owner, the mode and the remedy", async () => {
    const closed = join(folder, "closed");
    await mkdir(closed);
    await chmod(closed, 0o500);
    const reason = reasonOfFileError(systemError("EACCES"), join(closed, "new"));
    const me = currentUser()?.name ?? assert.fail();
    assert.equal(
      reason,
      `this user (${me}) has no right to it: ${closed} belongs to ${me}, mode 500; chmod u+rwx ${closed}`,
    );
    assert.match(reasonOfFileError(systemError("EACCES"), "/proc/1/environ"), /belongs to root/);
  });

  it("of a link tells of the file system, not of rights", () => {
    for (const code of ["EPERM", "ENOTSUP"]) {
      assert.match(
        reasonOfFileError(Object.assign(systemError(code), { syscall: "link" }), join(folder, "file")),
        /^the file system there has no hard links; name a place on a local disk$/,
      );
    }
  });

  it("is in words where the system tells no path, as for a file that is open", () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
      syscall: "write",
    });
    const explained = explainFileError(full);
    assert.ok(explained instanceof FileFault);
    assert.equal(explained.message, "a file can't be used: the disk is full, or its quota is used up");
    assert.equal(explained.exitCode, 1);
  });

  it("is left as it is where it is of something else", () => {
    for (const error of [new Error("no"), Object.assign(new Error("no"), { code: "ECONNREFUSED" }), "text"]) {
      assert.equal(explainFileError(error), error);
    }
  });
});

describe("a user of this machine", () => {
  it("has a name and groups where the system knows them, else a number", () => {
    assert.equal(nameOfUser(0), "root");
    assert.equal(systemUser(0).name, "root");
    assert.ok(systemUser(0).gids.includes(0));
    assert.deepEqual(systemUser(54_321), { uid: 54_321, name: "54321", gids: [] });
    assert.equal(currentUser()?.uid, process.geteuid?.());
  });
});
