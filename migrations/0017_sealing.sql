-- What people and agents say is sealed (AES-256-GCM), each room and day with a key of its own, which the master key wraps.
-- Who deletes a key deletes all that is sealed with it.
create table sealing_keys (
  id bigint generated always as identity primary key,
  -- Whose memory it is; the empty string: what is on its way in or out of a room.
  ghost text not null,
  -- The empty string: what can't be said to be of any room.
  room_id text not null,
  -- The day (UTC) on which it was sealed; the empty string: what stays until the agent leaves.
  period text not null,
  -- Which of the master keys, in the order in which they were changed, wraps it.
  generation integer not null,
  wrapped text not null,
  unique (ghost, room_id, period)
);

-- What was derived from a master key that has been changed since, wrapped by the present one.
create table kept_secrets (
  name text primary key,
  wrapped text not null
);

-- Where it is null, `body` and `attachment` are in clear: from before, until the first start has sealed them.
alter table messages add column sealed_by bigint references sealing_keys on delete cascade;
create index messages_by_key on messages (sealed_by);
create index messages_unsealed on messages (position) where sealed_by is null;

alter table summaries add column sealed_by bigint references sealing_keys on delete cascade;
create index summaries_by_key on summaries (sealed_by);
create index summaries_unsealed on summaries (ghost) where sealed_by is null;

alter table room_settings add column sealed_by bigint references sealing_keys on delete cascade;
create index room_settings_by_key on room_settings (sealed_by);
create index room_settings_unsealed on room_settings (ghost) where sealed_by is null;

alter table exchanges add column sealed_by bigint references sealing_keys on delete cascade;
create index exchanges_by_key on exchanges (sealed_by) where sealed_by is not null;
create index exchanges_unsealed on exchanges (origin) where sealed_by is null and topic is not null;

alter table turns add column sealed_by bigint references sealing_keys on delete cascade;
create index turns_by_key on turns (sealed_by) where sealed_by is not null;
create index turns_unsealed on turns (id) where sealed_by is null and reply is not null;

alter table sends add column sealed_by bigint references sealing_keys on delete cascade;
create index sends_by_key on sends (sealed_by) where sealed_by is not null;
create index sends_unsealed on sends (ghost) where sealed_by is null and event_id is null;

alter table malformed add column sealed_by bigint references sealing_keys on delete cascade;
create index malformed_by_key on malformed (sealed_by);
create index malformed_unsealed on malformed (id) where sealed_by is null;

-- What of an event is looked at without opening it.
alter table events add column type text;
alter table events add column sender text;
alter table events add column is_state boolean;
alter table events add column sent_at numeric;
alter table events add column sealed_by bigint references sealing_keys on delete cascade;
create index events_by_key on events (sealed_by) where sealed_by is not null;
create index events_unsealed on events (event_id) where sealed_by is null and payload is not null;
alter table mailbox drop constraint mailbox_event_id_fkey;
alter table mailbox add foreign key (event_id) references events on delete cascade;

-- The longest that something said in the room is to be kept, in ms (m.room.retention).
alter table rooms add column max_lifetime_ms bigint;
update rooms set changes = changes + 1;
