-- compatible: yes

-- The avatar that each ghost was given last. Owned by src/ghost/avatars.ts; a row for each ghost at the most, and no ghost
-- ever goes.
create table avatars (
  ghost text primary key,
  -- Which picture: the version of the drawing, or the hash of an image of the configuration.
  picture text not null,
  -- Where the homeserver keeps it; null when it did not take one, or had another already.
  url text
);
