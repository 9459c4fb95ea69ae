-- Verifications that people asked agents for. The engine keeps a flow in memory only; here is what an operator compares and
-- decides, and which flows there have been, for a request that comes again starts nothing.
create table verifications (
  id bigint generated always as identity primary key,
  ghost text not null,
  flow_id text not null,
  user_id text not null,
  state text not null default 'requested' check (state in ('requested', 'comparing', 'done', 'cancelled')),
  -- With `comparing`: a JSON list of {symbol, description}.
  emoji text,
  -- What the operator says of them.
  decision text check (decision in ('match', 'mismatch')),
  -- With `cancelled`: why.
  reason text,
  created_at timestamptz not null default now(),
  unique (ghost, flow_id)
);
create index verifications_open on verifications (ghost) where state in ('requested', 'comparing');
