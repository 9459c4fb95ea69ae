-- Whether words of a room may go to a provider outside the admin's network, as its moderators decided.
create table consents (
  room_id text not null,
  ghost text not null,
  -- The provider and the host behind it: where either changes, it is asked anew.
  target text not null,
  granted boolean not null,
  decided_by text not null,
  decided_at timestamptz not null default now(),
  primary key (room_id, ghost, target)
);

-- What was sent to providers: sizes and targets, never text.
create table provider_requests (
  id bigint generated always as identity primary key,
  ghost text not null,
  room_id text not null,
  provider text not null,
  host text not null,
  locality text not null check (locality in ('local', 'cloud')),
  model text not null,
  -- An answer, a summary, a picture, or a recording to be written down.
  kind text not null check (kind in ('chat', 'summary', 'picture', 'recording')),
  bytes bigint not null,
  sent_at timestamptz not null default now()
);
create index provider_requests_by_room on provider_requests (room_id, sent_at);
create index provider_requests_by_age on provider_requests (sent_at);

-- Questions that wait for a room's consent, and to what.
alter table turns add column consent_target text;
create index turns_without_consent on turns (ghost, room_id) where failure = 'needs_consent';

-- What may still be asked: one row for each user, room, server or agent and what is counted.
create table allowances (
  kind text not null check (kind in ('user', 'room', 'server', 'agent')),
  key text not null,
  what text not null check (what in ('requests', 'tokens')),
  used double precision not null,
  counted_at timestamptz not null default now(),
  primary key (kind, key, what)
);
