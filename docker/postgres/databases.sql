-- Run once by the PostgreSQL image, when its data folder is new: a role for each that owns its own database and may connect
-- to no other. psql reads the passwords from the secrets.
\set synapse_password `cut -d : -f 5 /run/secrets/synapse_database_passfile`
\set agents_password `sed 's|.*//agents:||; s|@.*||' /run/secrets/bridge_database_url`

revoke connect on database postgres from public;

create role synapse login password :'synapse_password';
-- Synapse refuses any other collation.
create database synapse owner synapse template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C';
revoke connect on database synapse from public;

create role agents login password :'agents_password';
create database agents owner agents template template0 encoding 'UTF8';
revoke connect on database agents from public;
