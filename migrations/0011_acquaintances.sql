-- Which membership it is that a member is there by: a new one may come with devices that nobody told of. All rooms are read
-- again, for rows that were read before do not say.
alter table room_members add column event_id text;
update rooms set changes = changes + 1;

-- By which membership a ghost has asked for a member's devices. Synapse tells of devices of those who share a room with the
-- ghost; what they did before they came it does not tell.
create table acquaintances (
  ghost text not null,
  room_id text not null,
  user_id text not null,
  event_id text not null,
  primary key (ghost, room_id, user_id)
);
