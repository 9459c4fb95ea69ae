-- compatible: yes

-- What came of reading the file of a message, so that it is fetched and read once. Owned by src/conversation/read-files.ts; a
-- row goes with its message, when that is edited, and some time after it was written.
create table read_files (
  position bigint primary key references messages on delete cascade,
  -- What the file says, sealed with the key of its message; null when it can't be read.
  body text,
  -- Why it can't be read.
  failure text,
  -- When it may be tried again, where it only did not come; and how often that was so.
  again_at timestamptz,
  tries integer not null default 0,
  read_at timestamptz not null default now(),
  sealed_by bigint references sealing_keys on delete cascade,
  check ((body is null) = (sealed_by is null) and (body is null) <> (failure is null))
);
create index read_files_by_key on read_files (sealed_by) where sealed_by is not null;
create index read_files_by_age on read_files (read_at);
