-- Set while the crypto engine is given what /sync brought: found set at the next try, the process ended in between.
alter table ghosts add column receiving boolean not null default false;

-- To-device messages that are given to the engine one by one, because the process ended when they were given together.
-- One that has ended it again and again is set aside and never given again.
create table to_device_trials (
  ghost text not null references ghosts on delete cascade,
  -- SHA-256 of the message.
  fingerprint text not null,
  attempts integer not null default 0,
  set_aside boolean not null default false,
  -- As it came, which for keys is encrypted; kept for a look only of what was set aside.
  message text,
  created_at timestamptz not null default now(),
  primary key (ghost, fingerprint)
);

-- How often an item was tried when the process ended with the item in the crypto engine's hands, or failed by an error of
-- its own. `attempts` counts every try: a process that is killed from outside says little of what it was doing.
alter table mailbox add column strikes integer not null default 0;

-- How often the sending of a prepared answer was begun, so that one that ends the process is given up.
alter table turns add column deliveries integer not null default 0;
