-- compatible: yes

-- Whether a message came encrypted, or was made of what did: it goes with it, whatever its room is taken for later.
alter table messages add column came_encrypted boolean not null default false;
alter table summaries add column came_encrypted boolean not null default false;
alter table room_settings add column came_encrypted boolean not null default false;
alter table exchanges add column came_encrypted boolean not null default false;
-- Whether the question did, or anything that went into its prompt.
alter table turns add column came_encrypted boolean not null default false;

-- Whether a room counts as encrypted for nothing but a message that came so: its state has never said it.
alter table rooms add column marked_by_message boolean not null default false;

-- Of what is there it is not known any more: in a room that is encrypted, it counts as having come so.
update messages set came_encrypted = true where room_id in (select room_id from rooms where encryption is not null);
update summaries set came_encrypted = true where room_id in (select room_id from rooms where encryption is not null);
update room_settings set came_encrypted = true where room_id in (select room_id from rooms where encryption is not null);
update exchanges set came_encrypted = true where room_id in (select room_id from rooms where encryption is not null);
update turns set came_encrypted = true where room_id in (select room_id from rooms where encryption is not null);
