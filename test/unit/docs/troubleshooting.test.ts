import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { CHECKS, CONFIG_CHECK, ROUNDTRIP_CHECK } from "../../../src/doctor/checks.ts";
import { PING_FAILURES } from "../../../src/homeserver/ping.ts";
import { english } from "../../../src/language/english.ts";
import { ERROR_LINES } from "../../../src/observability/error-lines.ts";
import { OPERATOR_ERRORS } from "../../../src/observability/operator-error.ts";
import { inCheckout } from "../../support/paths.ts";

const DOC = await readFile(inCheckout("docs/troubleshooting.md"), "utf8");

/** The programs that admins run. */
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
    assert.deepEqual(rows("Findings of doctor").sort(), names.map((name) => `\`${name}\``).sort());
  });

  it("has no error for ending a command that nothing makes", async () => {
    const texts = await sources();
    for (const name of Object.keys(OPERATOR_ERRORS)) {
      assert.ok(
        texts.some((text) => text.includes(`OperatorError<"${name}">`) || text.includes(`Saying<"${name}">`)),
        name,
      );
    }
  });

  it("has each way in which a ping fails", () => {
    const told = rows("The homeserver does not reach the bridge");
    for (const code of PING_FAILURES.keys()) assert.ok(told.includes(`\`${code}\``), code);
  });

  it("has each notice that stands in place of an answer, in its words", () => {
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
      english.noDevice,
      english.unsignedAgent("Llama"),
      english.consent.denied({ agent: "Llama", provider: "cloud", host: "api.example.org", call: "" }, "encrypted"),
      english.consent.declined({ agent: "Llama", provider: "cloud", host: "api.example.org", call: "" }),
    ];
    const phrases = rows("Notices instead of an answer").map((row) => row.replace(/^“|”$/g, ""));
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

  it("has no error line that nothing logs", async () => {
    const texts = (await sources()).map((text) => text.replaceAll("\\'", "'"));
    for (const line of Object.keys(ERROR_LINES)) {
      assert.ok(texts.filter((text) => text.includes(line)).length > 1, `nothing logs “${line}”`);
    }
  });
});
