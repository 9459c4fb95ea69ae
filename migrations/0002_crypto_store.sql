-- Who may write a ghost's crypto store. Every opening raises the epoch, and every write names the epoch it was opened
-- under: a former owner, however late it wakes, touches no row.
create table crypto_leases (
  ghost text collate "C" primary key,
  epoch bigint not null,
  owner text not null
);

-- The IndexedDB databases of the engine, as `<user id>/<device id>::<the engine's own name>`; see src/crypto/store/.
create table crypto_databases (
  name text collate "C" primary key,
  version bigint not null,
  -- Object stores with their indexes.
  schema json not null
);

-- Their records. Keys and values are JSON texts, and `text` rather than `json`, because what people name their devices
-- may hold a NUL, which is fine in an escaped text and nowhere else.
create table crypto_records (
  -- A write to a store that was destroyed meanwhile breaks this reference and is refused.
  database text collate "C" not null references crypto_databases on delete cascade,
  store text collate "C" not null,
  key text collate "C" not null,
  value text not null,
  primary key (database, store, key)
);
