-- compatible: yes

-- Which model each agent's name was given to. A name stays with its model, also while that is away: another model of the same
-- name is never suddenly who answers in a room. Owned by src/ghost/given-names.ts; a row for each name that was ever given.
create table given_names (
  localpart text primary key,
  provider text not null,
  -- As the provider names it; empty for an agent that has none of its own.
  model text not null,
  -- Whether the provider had it when it was last asked for its models.
  is_listed boolean not null default false
);
