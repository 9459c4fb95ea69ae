import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DatabaseError } from "../../../src/database/database.ts";
import { unopened } from "../../../src/database/embedded-damage.ts";

const FOLDER = "/var/lib/agents/database";
const ENDED = new Error("Aborted(). Build with -sASSERTIONS for more info.");

function line(severity: string, words: string): string {
  return `2026-11-30 19:15:27.000 UTC [42] ${severity}:  ${words}`;
}

describe("an embedded database that PostgreSQL could not open", () => {
  it("is damaged, in PostgreSQL's own words where it gave any, and with the name of its own folder", () => {
    const log = [
      line("LOG", "starting"),
      line("FATAL", 'could not open directory "/pglite/data/base": No such file or directory'),
      line("DETAIL", "It was there."),
    ];
    const error = unopened(FOLDER, log, ENDED);
    assert.ok(error instanceof DatabaseError);
    assert.equal(
      error.message,
      `the files of the database in ${FOLDER} can't be opened: PostgreSQL says: could not open directory "${FOLDER}/base": No such file or directory: It was there.`,
    );
    assert.match(error.mend ?? "", new RegExp(`mv ${FOLDER} ${FOLDER}\\.damaged && matrix-agents restore FILE`));
    assert.match(unopened(FOLDER, [], ENDED).message, /PostgreSQL ends while it reads them$/);
    assert.ok(unopened(FOLDER, [line("PANIC", "x".repeat(100_000))], ENDED).message.length < 500);
  });

  for (const [words, code] of [
    ["No file descriptors available", "EMFILE"],
    ["No space left on device", "ENOSPC"],
    ["Permission denied", "EACCES"],
    ["Read-only file system", "EROFS"],
    ["I/O error", "EIO"],
  ] as const) {
    it(`is not damaged where the system says ${words}`, () => {
      const log = [line("FATAL", `could not read directory "pg_replslot": ${words}`)];
      const error = unopened(FOLDER, log, ENDED);
      assert.ok(!(error instanceof DatabaseError));
      assert.deepEqual(Object.entries(error), Object.entries({ code, path: FOLDER, syscall: "open" }));
    });
  }

  it("is not damaged where the end has the number of a system's error", () => {
    for (const [errno, code] of [
      [33, "EMFILE"],
      [51, "ENOSPC"],
      [69, "EROFS"],
    ] as const) {
      const error = unopened(FOLDER, [], { errno });
      assert.deepEqual(Object.entries(error), Object.entries({ code, path: FOLDER, syscall: "open" }));
    }
  });
});
