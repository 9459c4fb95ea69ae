-- What a client would have shown beside a message that an agent acts on: a code of the shield, null for none.
alter table messages add column shield text;

-- People are told once, by one agent of the room, that their device is not trusted enough.
create table trust_notices (
  room_id text not null,
  user_id text not null,
  reason text not null,
  ghost text not null,
  -- Whether the notice has been sent; before that it may be under way.
  told boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (room_id, user_id, reason)
);

-- Which event a Megolm message came in. The same ciphertext under another event's id is a replay.
create table message_indexes (
  ghost text not null,
  session_id text not null,
  message_index bigint not null,
  event_id text not null,
  seen_at timestamptz not null default now(),
  primary key (ghost, session_id, message_index)
);
