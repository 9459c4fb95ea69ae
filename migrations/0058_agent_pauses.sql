-- compatible: yes

-- Agents that whoever runs the bridge has paused: they hear and remember, and answer nothing. The row stays for a while after the
-- end of the pause, from which on waiting questions count their wait. A version before answers as if nobody had paused them.
-- Owned by src/agents/pauses.ts.
create table agent_pauses (
  ghost text primary key,
  paused_by text not null,
  paused_at timestamptz not null default now(),
  -- Null while it is paused.
  resumed_at timestamptz
);
