-- Invites that were accepted, as long as they count: one row each, however often the invite was tried.
create table accepted_invites (
  ghost text not null,
  event_id text not null,
  inviter text not null,
  server text not null,
  accepted_at timestamptz not null default now(),
  primary key (ghost, event_id)
);
create index accepted_invites_by_age on accepted_invites (accepted_at);

-- Policy rooms whose bans count. A room's state is read, not replayed: events only say that it has changed.
create table ban_lists (
  room_id text primary key,
  changes bigint not null default 1,
  read_at_change bigint not null default 0
);

create table ban_rules (
  room_id text not null references ban_lists on delete cascade,
  kind text not null check (kind in ('user', 'server', 'room')),
  entity text not null,
  primary key (room_id, kind, entity)
);
