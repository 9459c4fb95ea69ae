-- What one message of a person leads to among the agents of a room.
create table exchanges (
  room_id text not null,
  -- The person's message.
  origin text not null,
  asker text not null,
  -- How many turns there were, of all agents together.
  turns integer not null default 0,
  stopped boolean not null default false,
  -- With a discussion: what it is about, who takes turns (a JSON list of user ids), and how many there are altogether.
  topic text,
  participants text,
  length integer,
  created_at timestamptz not null default now(),
  primary key (room_id, origin)
);
create index exchanges_by_age on exchanges (created_at);

-- The message of a person that a turn goes back to (itself, where it is null), and over how many agents.
alter table turns add column origin text;
alter table turns add column hops integer not null default 0;

-- Whether something was said by an agent, whichever it was.
create index messages_by_event on messages (event_id) where author = 'agent';
create index turns_by_room_thread on turns (room_id, thread_root) where thread_root is not null;

-- What was long ago in a conversation, in a model's words; it stands for all messages up to a position.
create table summaries (
  ghost text not null,
  room_id text not null,
  -- The empty string: what is beside all threads.
  thread_root text not null,
  up_to bigint not null,
  body text not null,
  created_at timestamptz not null default now(),
  primary key (ghost, room_id, thread_root)
);
