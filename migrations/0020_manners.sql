-- compatible: yes
-- The event that was said last in a room, by anybody: an answer that comes right behind its question quotes nothing.
alter table rooms add column latest text;

-- What a turn said besides its draft and what is remembered of it: edits, and notices; for whoever reacts to them.
create table turn_events (
  ghost text not null,
  event_id text not null,
  turn bigint not null references turns on delete cascade,
  -- What people see: the event itself, or the one that it edits.
  shown_as text not null,
  created_at timestamptz not null default now(),
  primary key (ghost, event_id)
);
create index turn_events_by_turn on turn_events (turn);
create index turn_events_by_age on turn_events (created_at);

-- Which commands were described in a room to clients with menus, each by a hash of its description.
create table command_menus (
  ghost text not null,
  room_id text not null,
  described text not null,
  primary key (ghost, room_id)
);
