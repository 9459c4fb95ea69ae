import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import {
  guardedFiles,
  insecureFiles,
  judgeFile,
  type FileFacts,
  type GuardedFile,
} from "../../../src/config/guarded-files.ts";
import type { SystemUser } from "../../../src/observability/user-name.ts";
import { loadSettings } from "./settings.ts";

const US: SystemUser = { uid: 1000, gids: [1000, 50], name: "agents" };
const SECRET: GuardedFile = { path: "/etc/agents/token", what: "the token", kind: "secret" };
const SETTINGS: GuardedFile = { path: "/etc/agents/config.yaml", what: "the configuration", kind: "settings" };
const FOLDER: GuardedFile = { path: "/var/lib/agents", what: "the data folder", kind: "folder" };
const MOUNTED: GuardedFile = { ...SECRET, path: "/run/secrets/token" };

function file(mode: number, uid = 1000, gid = 1000): FileFacts {
  return { uid, gid, mode: 0o100000 | mode };
}

describe("a file that holds a secret", () => {
  for (const [what, guarded, facts] of [
    ["its owner's alone", SECRET, file(0o600)],
    ["read-only", SECRET, file(0o400)],
    ["a group's of ours to read", SECRET, file(0o640, 1000, 50)],
    ["root's, handed to a group of ours", SECRET, file(0o440, 0, 50)],
    ["root's, as systemd hands it in", SECRET, file(0o440, 0, 0)],
    ["mounted by a container engine with the host's mode", MOUNTED, file(0o444, 7777, 7777)],
    ["settings without secrets that all can read", SETTINGS, file(0o644)],
    ["root's settings", SETTINGS, file(0o644, 0, 0)],
    ["a folder of its owner alone", FOLDER, file(0o700)],
    ["a folder shared with a group of ours, as a volume of Kubernetes", FOLDER, file(0o2770, 0, 50)],
  ] as const) {
    it(`is accepted as ${what}`, () => assert.equal(judgeFile(guarded, facts, US), undefined));
  }

  for (const [guarded, facts, problem, mend] of [
    [SECRET, file(0o644), /can be read by everybody/, "chmod 600 /etc/agents/token"],
    [SECRET, file(0o604), /can be read by everybody/, "chmod 600 /etc/agents/token"],
    [SECRET, file(0o660), /can be changed by its group/, "chmod 600 /etc/agents/token"],
    [SECRET, file(0o602), /can be changed by everybody/, "chmod 600 /etc/agents/token"],
    [SECRET, file(0o640, 1000, 99), /a group that is not ours \(gid 99\)/, "chmod 600 /etc/agents/token"],
    [SECRET, file(0o600, 1001), /belongs to another user \(uid 1001\)/, "chown agents /etc/agents/token"],
    [SECRET, file(0o644, 0, 0), /by everybody/, "chown agents /etc/agents/token && chmod 600 /etc/agents/token"],
    [
      MOUNTED,
      file(0o646, 0, 0),
      /changed by everybody/,
      "chown agents /run/secrets/token && chmod 600 /run/secrets/token",
    ],
    [SETTINGS, file(0o666), /changed by everybody/, "chmod go-w /etc/agents/config.yaml"],
    [FOLDER, file(0o755), /read by everybody/, "chmod 700 /var/lib/agents"],
    [FOLDER, file(0o701), /read by everybody/, "chmod 700 /var/lib/agents"],
    [FOLDER, file(0o777), /changed by everybody/, "chmod 700 /var/lib/agents"],
    [{ ...SECRET, path: "/it's" }, file(0o644), /everybody/, String.raw`chmod 600 '/it'\''s'`],
  ] as const) {
    it(`is refused with mode ${(facts.mode & 0o777).toString(8)} of ${facts.uid}:${facts.gid} at ${guarded.path}`, () => {
      const found = judgeFile(guarded, facts, US);
      assert.match(found?.problem ?? "", problem);
      assert.equal(found?.mend, mend);
    });
  }
});

describe("a file of the user who runs the bridge, for root", () => {
  const ROOT: SystemUser = { uid: 0, gids: [0], name: "root" };
  const OTHER = 54_321;

  it("is that user's reason to run the command, not root's to take it", () => {
    for (const dataOwner of [OTHER, undefined]) {
      const found = judgeFile(SECRET, file(0o600, OTHER, OTHER), ROOT, dataOwner);
      assert.deepEqual(found, {
        path: SECRET.path,
        problem: `the token belongs to ${OTHER}`,
        mend: `sudo -u ${OTHER} matrix-agents …`,
      });
    }
    const third = judgeFile(SECRET, file(0o600, 7, 7), ROOT, OTHER);
    assert.equal(third?.mend, `sudo -u ${OTHER} matrix-agents …`, "the data say who runs the bridge");
  });

  it("is to be root's where the data are root's", () => {
    assert.equal(judgeFile(SECRET, file(0o600, OTHER, OTHER), ROOT, 0)?.mend, "chown root /etc/agents/token");
  });
});

describe("the files that a configuration names", () => {
  it("are all checked, and missing ones are skipped", async () => {
    const loaded = await loadSettings({ database: { url: "postgres://u:p@h/d" } });
    const [configFile] = loaded.guardedFiles;
    assert.equal(configFile?.kind, "secret");
    const folder = dirname(configFile.path);
    assert.deepEqual(
      loaded.guardedFiles.map(({ path }) => path),
      ["config.yaml", "registration.yaml", "data", "data/master.key"].map((name) => join(folder, name)),
    );
    await chmod(configFile.path, 0o644);
    await mkdir(join(folder, "data"), { mode: 0o755 });
    await writeFile(join(folder, "data/master.key"), "x", { mode: 0o644 });
    await writeFile(join(folder, "registration.yaml"), "x", { mode: 0o600 });
    const found = await insecureFiles(loaded.guardedFiles);
    assert.deepEqual(
      found.map(({ mend }) => mend),
      [
        `chmod 600 ${configFile.path}`,
        `chmod 700 ${join(folder, "data")}`,
        `chmod 600 ${join(folder, "data/master.key")}`,
      ],
    );
  });

  it("are the trusted certificates of the homeserver and the providers too, which others may read, but not change", () => {
    const settings = {
      homeserver: { ca_file: "hs.pem" },
      providers: { a: { ca_file: "/etc/a.pem" }, b: { type: "demo" } },
    };
    assert.deepEqual(
      guardedFiles(settings, "/x/config.yaml", "/x").filter(({ path }) => path.endsWith(".pem")),
      ["/x/hs.pem", "/etc/a.pem"].map((path) => ({ path, what: "a trusted certificate", kind: "settings" })),
    );
  });

  it("hold no secret in config.yaml where the database's URL is elsewhere", async () => {
    const loaded = await loadSettings({});
    assert.equal(loaded.guardedFiles[0]?.kind, "settings");
  });
});
