-- compatible: yes

-- What people have asked agents to do at a time, once or again and again. A version before does not look at them.
create table reminders (
  id bigint generated always as identity primary key,
  ghost text not null,
  room_id text not null,
  thread_root text,
  owner text not null,
  -- The call that made it: made twice, it makes no second one.
  made_by text not null,
  -- The words and the times, as JSON, sealed.
  body text not null,
  came_encrypted boolean not null,
  sealed_by bigint not null references sealing_keys on delete cascade,
  -- Null where it comes no more, or waits for another owner.
  next_at timestamptz,
  -- Since when it waits for another owner, because its own has left.
  ownerless_since timestamptz,
  created_at timestamptz not null default now(),
  unique (ghost, made_by)
);
create index reminders_by_room on reminders (ghost, room_id);
create index reminders_by_key on reminders (sealed_by);
create index reminders_due on reminders (next_at) where next_at is not null;
