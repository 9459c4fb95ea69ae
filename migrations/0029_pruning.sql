-- compatible: yes

-- What is held of a sender, and of a server, is counted whenever there is more of it.
create index events_held on events (sender) where payload is not null;
create index events_held_by_server on events (substr(sender, strpos(sender, ':') + 1)) where payload is not null;
create index mailbox_by_event on mailbox (event_id);

-- Rooms that were left long ago are forgotten.
alter table memberships add column changed_at timestamptz not null default now();

-- A Megolm session that has not been used for long: of its messages up to an index none counts any more, whichever event it
-- comes in, and the rows of `message_indexes` for each of them go. Owned by src/ghost/replays.ts.
create table closed_sessions (
  ghost text not null,
  session_id text not null,
  up_to bigint not null,
  closed_at timestamptz not null default now(),
  primary key (ghost, session_id)
);
create index message_indexes_by_age on message_indexes (seen_at);

-- An agent takes part in a thread in which it has answered, however long ago.
create index messages_by_thread on messages (room_id, thread_root) where thread_root is not null and author = 'agent';
