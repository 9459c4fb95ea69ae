-- compatible: yes
-- Whether somebody else in the room goes by the same name. Known when a room's state is read next, which is at its next message.
alter table room_members add column name_is_shared boolean not null default false;
update rooms set changes = changes + 1;
