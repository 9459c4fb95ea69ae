-- compatible: yes
-- A homeserver that lets an application service make no devices lets it sign a user in: the device then has a token of
-- its own, sealed. And one that asks for a password never takes the user's identity: the device stays unsigned.
alter table ghosts
  add column access_token text,
  add column identity_refused boolean not null default false;
