-- What people have set for an agent in a room, in place of what the configuration says.
create table room_settings (
  ghost text not null,
  room_id text not null,
  name text not null,
  value text not null,
  set_by text not null,
  set_at timestamptz not null default now(),
  primary key (ghost, room_id, name)
);

-- A thread is a conversation of its own.
alter table messages add column thread_root text;
drop index turns_open;
create index turns_open on turns (ghost, room_id, thread_root, id) where state in ('queued', 'running', 'sending');
create index turns_by_thread on turns (ghost, room_id, thread_root) where thread_root is not null;

-- Tokens as the provider counted them.
alter table turns add column prompt_tokens integer;
alter table turns add column answer_tokens integer;
create index turns_by_asker on turns (asker, created_at);
