-- When an item began to wait for its key, by the database's clock. It stays set when the key comes, which tells that the
-- event is read late. While an item waits, `reason` is the sender's own reason to keep the key back, if it gave one.
alter table mailbox add column waiting_since timestamptz;

-- People are told once of a session that nobody has a key for, by one ghost of the room, and the notice is taken back
-- when the key comes.
create table key_notices (
  room_id text not null,
  session_id text not null,
  ghost text not null,
  sender text not null,
  -- Whether the notice has been sent; before that it may be under way.
  told boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (room_id, session_id)
);
create index key_notices_by_sender on key_notices (room_id, sender, created_at);
