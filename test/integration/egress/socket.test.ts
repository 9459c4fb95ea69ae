import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import pg from "pg";
import { inCheckout } from "../../support/paths.ts";
import { startPostgres } from "../../support/postgres.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** The user that runs this test, whom PostgreSQL knows by the same name. */
const SELF = process.getuid?.() === 0 ? "root" : (process.env["USER"] ?? "");

describe("a process that is shut in", () => {
  it("reaches PostgreSQL over its socket, without a password, as its own system user", async () => {
    const folder = await temporaryDirectory("pg");
    const server = await startPostgres({ folder, socket: true });
    const admin = new pg.Client({ connectionString: server.adminUrl });
    await admin.connect();
    await admin.query(`create role "${SELF}" login`);
    await admin.query(`create database agents owner "${SELF}"`);
    const rules = join(folder, "data/pg_hba.conf");
    await writeFile(rules, `local all all peer\n${await readFile(rules, "utf8")}`);
    const { rows } = await admin.query<{ port: string }>("show port");
    await admin.end();
    await server.restart();

    const url = `postgres:///agents?host=${folder}&port=${rows[0]?.port ?? ""}`;
    const { stdout } = await promisify(execFile)(process.execPath, [inCheckout("test/support/shut-in-query.ts"), url], {
      env: { ...process.env, USER: SELF },
    });
    assert.deepEqual(JSON.parse(stdout), { name: SELF, over_socket: true, refused: [] });
    await server.stop();
  });
});
