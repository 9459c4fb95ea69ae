import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { CHECKS, CONFIG_CHECK, ROUNDTRIP_CHECK } from "../../../src/doctor/checks.ts";
import { PING_FAILURES } from "../../../src/homeserver/ping.ts";
import { english } from "../../../src/language/english.ts";
import { inCheckout } from "../../support/paths.ts";

const DOC = await readFile(inCheckout("docs/troubleshooting.md"), "utf8");

/** All that admins run. */
async function sources(): Promise<string[]> {
  const texts: string[] = [];
  for await (const file of glob(inCheckout("src/**/*.ts"))) {
    texts.push(await readFile(file, "utf8"));
  }
  return texts;
}

function section(title: string): string {
  const start = DOC.indexOf(`## ${title}`);
  assert.notEqual(start, -1, title);
  const end = DOC.indexOf("\n## ", start);
  return DOC.slice(start, end === -1 ? undefined : end);
}

/** The first cells of a section's table. */
function rows(title: string): string[] {
  return section(title)
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    .slice(1)
    .map((line) => (line.split("|")[1] ?? "").trim());
}

describe("docs/troubleshooting.md", () => {
  it("has each check of the doctor, and no other", () => {
    const names = [CONFIG_CHECK, ...CHECKS.map(({ name }) => name), ROUNDTRIP_CHECK];
    assert.deepEqual(rows("What doctor finds").sort(), names.map((name) => `\`${name}\``).sort());
  });

  it("has each kind of error that ends a command, and no other", async () => {
    const kinds = (await sources()).flatMap((text) =>
      [...text.matchAll(/class (\w+) extends Error (?:implements \w+ )?\{[^}]*?readonly exitCode = [12];/g)].map(
        ([, name]) => name,
      ),
    );
    assert.ok(kinds.length > 8, kinds.join());
    const told = rows("It does not start").flatMap((row) => /<!-- (\w+) -->/.exec(row)?.[1] ?? []);
    assert.deepEqual([...new Set(told)].sort(), kinds.sort());
  });

  it("has each way in which a ping fails", () => {
    for (const code of PING_FAILURES.keys()) {
      assert.ok(section("The homeserver does not reach the bridge").includes(`\`${code}\``), code);
    }
  });

  it("has each notice in place of an answer, in its words", () => {
    const about = { agent: "Llama", model: "llama3.2", provider: "ollama", call: "" };
    const notices = [
      ...Object.values(english.failures).map((say) => say(about)),
      ...Object.values(english.missingKey).map((say) => say("Llama")),
      ...Object.values(english.unread).map((say) => say("Llama")),
      ...Object.values(english.distrust).map((say) => say("Llama", "@alice:example.org")),
      ...Object.values(english.distrust).map((say) => say("Llama", undefined)),
      ...Object.values(english.invites),
      english.roomTooLarge("Llama", 50),
      english.onlyEncryptedRooms,
      english.noEncryptedRooms,
      english.unsignedAgent("Llama"),
      english.consent.denied({ agent: "Llama", provider: "cloud", host: "api.example.org", call: "" }, "encrypted"),
      english.consent.declined({ agent: "Llama", provider: "cloud", host: "api.example.org", call: "" }),
    ];
    const phrases = rows("What an agent says instead of an answer").map((row) => row.replace(/^“|”$/g, ""));
    for (const notice of notices) {
      assert.ok(
        phrases.some((phrase) => notice.includes(phrase)),
        notice,
      );
    }
    for (const phrase of phrases) {
      assert.ok(
        notices.some((notice) => notice.includes(phrase)),
        `no notice says “${phrase}”`,
      );
    }
  });

  it("has each error of the log", async () => {
    const messages = (await sources()).flatMap((text) =>
      [...text.matchAll(/\blog\.error\(([\s\S]*?)\)(?:;|,)?\n/g)].flatMap(([, args = ""]) => {
        const [message] = [...args.matchAll(/(["'])((?:\\.|(?!\1).)*)\1/g)].slice(-1);
        return message === undefined ? [] : [(message[2] ?? "").replaceAll("\\'", "'")];
      }),
    );
    assert.ok(messages.length > 20);
    const told = rows("What stands in the log");
    for (const message of messages) {
      assert.ok(
        told.some((row) => message.startsWith(row)),
        message,
      );
    }
    for (const row of told) {
      assert.ok(
        messages.some((message) => message.startsWith(row)),
        `nothing logs “${row}”`,
      );
    }
  });
});
