-- compatible: yes
-- Where a verification goes on and how its events come, so that who began it is told when the process that knew it has ended.
alter table verifications add column room_id text;
alter table verifications add column form text check (form in ('clear', 'encrypted', 'encrypted to all'));
