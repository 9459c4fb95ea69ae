-- compatible: yes

-- Whoever invited the ghost, while they have no device that could read its greeting; and since when. Null: nobody waits for one.
alter table memberships add column ungreeted text;
alter table memberships add column ungreeted_since timestamptz;
