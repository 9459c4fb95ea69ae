-- Links for signing in to the page, each good once, by the hash of its code.
create table web_sign_ins (
  code_hash text primary key,
  -- Who signs in by it: a Matrix user, or a user of the machine.
  actor text not null,
  role text not null check (role in ('look', 'decide')),
  expires_at timestamptz not null
);

-- Who is signed in to the page, by the hash of what the browser's cookie holds.
create table web_sessions (
  id_hash text primary key,
  actor text not null,
  role text not null check (role in ('look', 'decide')),
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null
);
