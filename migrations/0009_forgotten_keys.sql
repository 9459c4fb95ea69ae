-- When a record was first written, so that old room keys can be forgotten.
alter table crypto_records add column created_at timestamptz not null default now();

-- Since when a room key is known to be in a ghost's backup, which does not say so itself.
create table backed_up_keys (
  ghost text not null,
  room_id text not null,
  session_id text not null,
  seen_at timestamptz not null default now(),
  primary key (ghost, room_id, session_id)
);
