import type { Database } from "../../src/database/database.ts";

const LLAMA = "@agent_llama:hs";

/**
 * Rows for every table, in the bridge's form, by the migration that made the table, with the columns that the table had
 * then.
 */
export const ROWS: ReadonlyMap<number, string> = new Map([
  [
    1,
    `insert into settings (name, value) values ('language', 'en');
     insert into ghosts (user_id, device_id, device_made, sync_since, cross_signed, profile) values
       ('${LLAMA}', 'LLAMADEVICE', true, 's1', true, 'f'), ('@agent_unmade:hs', 'UNMADE', false, null, false, null);
     insert into memberships (ghost, room_id, membership, direct) values
       ('${LLAMA}', '!room:hs', 'join', true), ('${LLAMA}', '!left:hs', 'leave', false);
     insert into rooms (room_id, encryption, name, power_levels) values
       ('!room:hs', '{"algorithm":"m.megolm.v1.aes-sha2"}', 'A "name", \\ and more 😀', '{}');
     insert into room_members (room_id, user_id, membership, display_name) values ('!room:hs', '@ann:hs', 'join', 'Ann');
     insert into events (event_id, room_id, payload, received_at) values
       ('$event', '!room:hs', '{"type":"m.room.message","sender":"@ann:hs","origin_server_ts":1}', '2026-01-02T03:04:05.678901Z');
     insert into mailbox (ghost, event_id, state, reason)
       select '@agent_' || n || ':hs', '$event', 'set_aside', 'why' from generate_series(1, 7) n;
     delete from mailbox where id = 7;
     insert into malformed (reason, raw) values ('no object', '[]');
     insert into messages (ghost, room_id, event_id, sender, speaker, author, body, sent_at) values
       ('${LLAMA}', '!room:hs', '$event', '@ann:hs', 'Ann', 'person', 'what is' || chr(10) || 'up?', 1735700000000);
     insert into turns (ghost, room_id, event_id, asker, position, state, reply) values
       ('${LLAMA}', '!room:hs', '$event', '@ann:hs', 1, 'sending', '{"outcome":"answered","messages":[]}');
     insert into sends (ghost, txn_id, room_id, event_type, content) values
       ('${LLAMA}', 'm1', '!room:hs', 'm.room.message', '{"body":"a"}');`,
  ],
  [
    2,
    `insert into crypto_leases (ghost, epoch, owner) values ('${LLAMA}', 5, 'x');
     insert into crypto_databases (name, version, schema) values
       ('${LLAMA}/LLAMADEVICE::matrix-sdk-crypto', 12, '{"a":[1]}'), ('@agent_unmade:hs/UNMADE::matrix-sdk-crypto', 12, '{}');
     insert into crypto_records (database, store, key, value) values
       ('${LLAMA}/LLAMADEVICE::matrix-sdk-crypto', 'core', '"account"', '"sealed"');`,
  ],
  [3, ""],
  [
    4,
    `insert into key_notices (room_id, session_id, ghost, sender) values ('!room:hs', 's', '${LLAMA}', '@ann:hs');
     update mailbox set waiting_since = now() where id = 1;`,
  ],
  [5, `insert into to_device_trials (ghost, fingerprint, attempts) values ('${LLAMA}', 'f', 1);`],
  [
    6,
    `insert into trust_notices (room_id, user_id, reason, ghost) values ('!room:hs', '@ann:hs', 'unsigned', '${LLAMA}');
     insert into message_indexes (ghost, session_id, message_index, event_id) values ('${LLAMA}', 's', 4, '$event');`,
  ],
  [7, `update ghosts set marker = 3, secured = true, fingerprint = 'f', master_key = 'm' where device_made;`],
  [8, `insert into verifications (ghost, flow_id, user_id, state) values ('${LLAMA}', '$flow', '@ann:hs', 'done');`],
  [9, `insert into backed_up_keys (ghost, room_id, session_id) values ('${LLAMA}', '!room:hs', 's');`],
  [10, ""],
  [
    11,
    `insert into acquaintances (ghost, room_id, user_id, event_id) values ('${LLAMA}', '!room:hs', '@ann:hs', '$join');`,
  ],
  [
    12,
    `insert into feedback (ghost, room_id, event_id, sender, reaction, good) values
       ('${LLAMA}', '!room:hs', '$event', '@ann:hs', '$reaction', true);
     update turns set edits = 2, draft = '$draft';`,
  ],
  [
    13,
    `insert into room_settings (ghost, room_id, name, value, set_by) values
       ('${LLAMA}', '!room:hs', 'system', 'Talk like a pirate', '@ann:hs');`,
  ],
  [14, `update messages set attachment = '{"url":"mxc://hs/a"}';`],
  [
    15,
    `insert into exchanges (room_id, origin, asker, turns, topic) values ('!room:hs', '$event', '@ann:hs', 2, 'cheese');
     insert into summaries (ghost, room_id, thread_root, up_to, body) values ('${LLAMA}', '!room:hs', '', 1, 'so far');`,
  ],
  [
    16,
    `insert into consents (room_id, ghost, target, granted, decided_by) values
       ('!room:hs', '${LLAMA}', 'openai api', true, '@ann:hs');
     insert into provider_requests (ghost, room_id, provider, host, locality, model, kind, bytes) values
       ('${LLAMA}', '!room:hs', 'openai', 'api', 'cloud', 'm', 'chat', 9007199254740991);
     insert into allowances (kind, key, what, used) values ('user', '@ann:hs', 'tokens', 0.1);`,
  ],
  [
    17,
    `insert into sealing_keys (ghost, room_id, period, generation, wrapped) values ('@agent_gone:hs', '!room:hs', '', 1, 'w');
     insert into kept_secrets (name, wrapped) values ('n', 'w');`,
  ],
  [
    18,
    `insert into accepted_invites (ghost, event_id, inviter, server) values ('${LLAMA}', '$invite', '@ann:hs', 'hs');
     insert into ban_lists (room_id) values ('!bans:hs');
     insert into ban_rules (room_id, kind, entity) values ('!bans:hs', 'user', '@eve:*');`,
  ],
  [
    19,
    `insert into audit_log values (1, '2026-01-01T00:00:00Z', 'identity.reset', '{}', '', encode(sha256(convert_to(
       '1' || chr(10) || '1767225600000' || chr(10) || 'identity.reset' || chr(10) || chr(10) || '{}', 'UTF8')), 'hex'));
     update audit_head set seq = 1, hash = (select hash from audit_log);`,
  ],
  [
    20,
    `update rooms set latest = '$event' where room_id = '!room:hs';
     insert into turn_events (ghost, event_id, turn, shown_as) select '${LLAMA}', '$notice', id, '$notice' from turns;
     insert into command_menus (ghost, room_id, described) values ('${LLAMA}', '!room:hs', '{}');`,
  ],
  [21, `update memberships set ungreeted = '@ann:hs', ungreeted_since = now() where room_id = '!room:hs';`],
  [22, `insert into avatars values ('${LLAMA}', 'drawn 1', 'mxc://hs/llama');`],
  [
    23,
    `insert into dropped_summaries (ghost, room_id, thread_root, up_to, dropped_by) values
       ('${LLAMA}', '!room:hs', '', 1, '@ann:hs');`,
  ],
  [24, `update consents set encrypted = true where room_id = '!room:hs';`],
  [25, `insert into read_files (position, failure, tries) select position, 'no_text', 1 from messages;`],
  [26, `update turns set came_encrypted = true; update rooms set marked_by_message = true where room_id = '!left:hs';`],
  [27, `update verifications set room_id = '!room:hs', form = 'encrypted' where flow_id = '$flow';`],
  [28, `update memberships set spoken = 'de' where room_id = '!room:hs';`],
  [29, `insert into closed_sessions (ghost, session_id, up_to) values ('${LLAMA}', 'closed', 9);`],
  [30, ""],
  [31, `update room_members set name_is_shared = true where room_id = '!room:hs';`],
  [32, `update messages set replies_to = '$quoted', only_quoted = true;`],
  [33, `insert into given_names values ('agent_llama', 'local', 'llama3.2:3b', true);`],
  [
    34,
    `insert into turn_steps (ghost, turn, number, asked_of, state) select '${LLAMA}', id, 1, 'model', 'asked' from turns;`,
  ],
  [35, ""],
  [36, ""],
  [37, ""],
  [38, ""],
  [39, "update ghosts set backup_behind = true where device_made;"],
  [40, "update ghosts set access_token = 'sealed', identity_refused = true where device_made;"],
  [
    50,
    `insert into turn_steps (ghost, turn, number, asked_of, state, call, sealed_by)
       select '${LLAMA}', turns.id, 2, 'tool', 'proposed', 'sealed', min(sealing_keys.id) from turns, sealing_keys group by turns.id;`,
  ],
  [
    51,
    `update turn_steps set code = 'BCDF', decided_by = '@ann:hs' where asked_of = 'tool';
     update turns set waits_until = now();`,
  ],
  [
    52,
    `insert into tool_grants (ghost, room_id, server, tool, decision, definition, encrypted, decided_by)
       values ('${LLAMA}', '!room:hs', 'files', 'write_file', 'allowed', 'hash', true, '@ann:hs');`,
  ],
  [54, `insert into allowances (kind, key, what, used) values ('user', '@ann:hs', 'tool_calls', 1);`],
  [
    55,
    `insert into reminders (ghost, room_id, owner, made_by, body, came_encrypted, sealed_by, next_at)
       select '${LLAMA}', '!room:hs', '@ann:hs', '1 call', 'sealed', true, min(id), now() from sealing_keys;`,
  ],
  [
    56,
    `insert into call_files (turn, step, number, content, sealed_by)
       select turn, number, 0, 'sealed', sealed_by from turn_steps where asked_of = 'tool';`,
  ],
  [
    60,
    `insert into web_sign_ins (code_hash, actor, role, expires_at) values ('c', 'local:ann', 'decide', now() + interval '10 minutes');
     insert into web_sessions (id_hash, actor, role, expires_at) values ('s', '@ann:hs', 'look', now() + interval '12 hours');`,
  ],
  [
    62,
    `insert into tool_sign_ins (server, user_id, id, body, sealed_by) select 'tickets', '@ann:hs', 'id', 'sealed', min(id) from sealing_keys;
     insert into sign_in_attempts (state_hash, server, user_id, made_by, stage, body, sealed_by, expires_at)
       select 's', 'tickets', '@ann:hs', '$e', 'asked', 'sealed', min(id), now() + interval '10 minutes' from sealing_keys;
     insert into tool_clients (server, body, sealed_by) select 'tickets', 'sealed', min(id) from sealing_keys;
     update turns set asked_encrypted = true;`,
  ],
  [58, `insert into agent_pauses (ghost, paused_by, resumed_at) values ('${LLAMA}', 'local:office', now());`],
]);

/** Inserts rows into every table of the newest schema. */
export async function fillDatabase(database: Database): Promise<void> {
  for (const [number, sql] of ROWS) {
    const now =
      number === 2
        ? sql
            .replace("crypto_leases (ghost, epoch, owner)", "leases (ghost, epoch, owner)")
            .replace("5, 'x'", "5, null")
        : sql;
    await database.execute(now);
  }
}
