-- Public keys of the device and of the identity, as clients show them (unpadded base64).
alter table ghosts add column fingerprint text;
alter table ghosts add column master_key text;

-- Set once the identity's secrets are in the server's secret storage, and the backup of room keys is on.
alter table ghosts add column secured boolean not null default false;

-- An operator asked for a new device; it is made when the ghost is loaded next.
alter table ghosts add column renew boolean not null default false;
-- And of another identity with it, which everybody then has to verify anew.
alter table ghosts add column reset_identity boolean not null default false;
-- The device that is being replaced: its store goes when the new one is signed.
alter table ghosts add column replaces text;
-- The room keys of the server's backup are to be read into the device's store.
alter table ghosts add column restore boolean not null default false;

-- Counted up before it is written to the server, too. A server that knows a higher one than we do has seen a later state
-- of this database: the store went back in time.
alter table ghosts add column marker bigint not null default 0;

-- Set on events of rooms in which no ghost was known to be: the database is younger than the rooms. They are kept for the
-- ghosts that turn out to be there.
alter table events add column unrouted boolean not null default false;
