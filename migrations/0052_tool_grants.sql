-- compatible: yes

-- The decisions of rooms' moderators about tools, from then on: an agent may use one without a question, or not at all. See
-- src/tools/tool-policy.ts. They go when the agent leaves the room. Owned by src/tools/tool-grants.ts.
create table tool_grants (
  ghost text not null,
  room_id text not null,
  server text not null,
  tool text not null,
  decision text not null check (decision in ('allowed', 'forbidden')),
  -- The hash of the tool's definition: a changed tool is not the one that was allowed.
  definition text not null,
  -- Whether the decision came encrypted: any other one counts only while the room is not encrypted.
  encrypted boolean not null,
  decided_by text not null,
  decided_at timestamptz not null default now(),
  primary key (ghost, room_id, server, tool)
);
