-- What the bridge knows of itself, one value a row.
create table settings (
  name text primary key,
  value text not null
);

-- A ghost is an agent's Matrix user together with its one device.
create table ghosts (
  user_id text primary key,
  device_id text not null,
  -- Set once the device is on the server; a device that is gone afterwards was deleted by somebody and is not made again.
  device_made boolean not null default false,
  -- Where the next /sync of the device goes on; moves only after the crypto store holds what came before it.
  sync_since text,
  -- Set once the cross-signing keys are on the server; never made anew by itself.
  cross_signed boolean not null default false,
  -- Fingerprint of the display name and avatar that were last set on the server.
  profile text,
  created_at timestamptz not null default now()
);

-- A ghost's place in a room, from its own membership events.
create table memberships (
  ghost text not null,
  room_id text not null,
  membership text not null check (membership in ('invite', 'join', 'leave', 'ban', 'knock')),
  -- A DM is what the invite's is_direct says, never "two members".
  direct boolean not null default false,
  primary key (ghost, room_id)
);
create index memberships_by_room on memberships (room_id) where membership in ('join', 'invite');

-- What is known of a room. Read from its state on the server; any state event that concerns it raises `changes`, and
-- what was read is good only while `read_at_change` has caught up with it.
create table rooms (
  room_id text primary key,
  -- Content of m.room.encryption. Never goes back to null: once encrypted, always encrypted.
  encryption text,
  history_visibility text not null default 'shared',
  power_levels text,
  name text,
  changes bigint not null default 1,
  read_at_change bigint not null default 0
);

create table room_members (
  room_id text not null references rooms on delete cascade,
  user_id text not null,
  membership text not null,
  display_name text,
  primary key (room_id, user_id)
);

-- Events as they came in transactions, known by their ids for good: Synapse starts transaction ids again at 1.
-- The payload goes when every ghost concerned is done with it.
create table events (
  event_id text primary key,
  room_id text not null,
  payload text,
  received_at timestamptz not null default now()
);
create index events_by_age on events (received_at) where payload is not null;

-- The durable inbox: a row for every event and ghost concerned, in order of arrival, gone when done.
create table mailbox (
  id bigint generated always as identity primary key,
  ghost text not null,
  event_id text not null references events,
  -- Counted before each attempt, so that an event that ends the process is noticed too.
  attempts integer not null default 0,
  state text not null default 'ready' check (state in ('ready', 'awaiting_key', 'set_aside')),
  -- With awaiting_key: the Megolm session; with set_aside: why.
  session_id text,
  reason text,
  unique (ghost, event_id)
);
create index mailbox_ready on mailbox (ghost, id) where state = 'ready';
create index mailbox_awaiting on mailbox (ghost, session_id) where state = 'awaiting_key';

-- Parts of transactions that are no events; kept for a look, never handled.
create table malformed (
  id bigint generated always as identity primary key,
  received_at timestamptz not null default now(),
  reason text not null,
  raw text not null
);

-- What an agent remembers of a room: what was said to it and what it answered.
create table messages (
  position bigint generated always as identity primary key,
  ghost text not null,
  room_id text not null,
  event_id text not null,
  sender text not null,
  speaker text not null,
  author text not null check (author in ('person', 'agent')),
  body text not null,
  sent_at bigint not null,
  -- With an answer: the position of its question. An answer stands right behind what it answers, whatever was said since.
  answers bigint,
  unique (ghost, event_id)
);
create index messages_by_conversation on messages (ghost, room_id, coalesce(answers, position), position);

-- One row per ghost and question. See src/turns/turn.ts for the states.
create table turns (
  id bigint generated always as identity primary key,
  ghost text not null,
  room_id text not null,
  event_id text not null,
  asker text not null,
  -- Position in `messages` of the question: the prompt goes up to here.
  position bigint not null references messages on delete cascade,
  thread_root text,
  attempts integer not null default 0,
  state text not null default 'queued' check (state in ('queued', 'running', 'sending', 'answered', 'failed', 'cancelled')),
  -- With `sending`: what is to be sent, as JSON; cleared once it is.
  reply text,
  failure text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (ghost, event_id)
);
create index turns_open on turns (ghost, room_id, id) where state in ('queued', 'running', 'sending');

-- Every event a ghost sends, stored as it goes over the wire (encrypted where the room is) before the first try, so
-- that a repeat is the same bytes under the same transaction id.
create table sends (
  ghost text not null,
  txn_id text not null,
  room_id text not null,
  event_type text not null,
  content text not null,
  event_id text,
  created_at timestamptz not null default now(),
  primary key (ghost, txn_id)
);
create index sends_pending on sends (ghost) where event_id is null;
