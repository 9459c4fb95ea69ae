import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SharedReads } from "../../../src/database/shared-reads.ts";

const reads = new SharedReads(() => Promise.reject(new Error("nothing is asked here")));

describe("a statement that may share its connection", () => {
  for (const sql of [
    "select 1",
    "  select from rooms where updated_at > $1",
    "with open as (select id from turns) select * from open",
    "SELECT share, locked FROM rooms order by share",
  ]) {
    it(`only reads: ${sql}`, () => assert.equal(reads.isRead(sql), true));
  }

  for (const sql of [
    "insert into rooms (room_id) values ($1)",
    "with gone as (delete from mailbox returning id) select * from gone",
    "with counted as (update mailbox set attempts = 1) select 1",
    "with made as (insert into rooms (room_id) values ($1) returning room_id) select room_id from made",
    "with lease as materialized (select from leases where ghost = $1 for share) select count(*) from lease",
    "select id from turns for update",
    "select id from turns for no key update",
    "select id from sealing_keys for key share",
    "select pg_advisory_lock($1)",
    "begin",
  ]) {
    it(`does not write or lock, as this one does: ${sql}`, () => assert.equal(reads.isRead(sql), false));
  }
});
