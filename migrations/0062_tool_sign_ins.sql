-- compatible: yes

-- Who has signed in to a tool server, with the tokens, sealed under a key of the person's own.
create table tool_sign_ins (
  server text not null,
  user_id text not null,
  -- Another one for each time that the person signs in: what was made for the one before counts no more.
  id text not null,
  body text not null,
  sealed_by bigint not null references sealing_keys on delete cascade,
  -- The process that asks for new tokens, and until when others wait for it.
  renewed_by text,
  renewed_until timestamptz,
  signed_in_at timestamptz not null default now(),
  used_at timestamptz not null default now(),
  primary key (server, user_id)
);
create index tool_sign_ins_by_key on tool_sign_ins (sealed_by);
create index tool_sign_ins_by_user on tool_sign_ins (user_id);

-- Sign-ins under way: one for each person and server, by the hash of the `state` in its link.
create table sign_in_attempts (
  state_hash text primary key,
  server text not null,
  user_id text not null,
  -- The question or command for which it was made: asked again, the same link is given.
  made_by text not null,
  stage text not null check (stage in ('asked', 'exchanging', 'unconfirmed')),
  -- Of the code that the person brings back from the browser, as a hash.
  code_hash text,
  tries integer not null default 0,
  body text not null,
  sealed_by bigint not null references sealing_keys on delete cascade,
  expires_at timestamptz not null,
  unique (server, user_id)
);
create index sign_in_attempts_by_key on sign_in_attempts (sealed_by);

-- The bridge's names at authorisation servers at which it has registered itself.
create table tool_clients (
  server text primary key,
  body text not null,
  sealed_by bigint not null references sealing_keys on delete cascade,
  registered_at timestamptz not null default now()
);
create index tool_clients_by_key on tool_clients (sealed_by);

-- Whether the question came encrypted itself, and was asked so by a person, not repeated or edited. Unlike came_encrypted, this
-- never changes. Null in turns of former versions, and of repetitions.
alter table turns add column asked_encrypted boolean;
