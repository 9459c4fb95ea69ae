-- compatible: yes

-- By whose edit or deletion a summary went that is to be made anew: it counts against their limits. Owned by
-- src/conversation/dropped-summaries.ts; gone when the summary is there again.
create table dropped_summaries (
  ghost text not null,
  room_id text not null,
  -- The empty string: what is beside all threads.
  thread_root text not null,
  -- Up to where the summary stood.
  up_to bigint not null,
  dropped_by text not null,
  dropped_at timestamptz not null default now(),
  primary key (ghost, room_id, thread_root)
);
