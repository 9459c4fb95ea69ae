-- Whether room keys of the ghost could not be backed up: then the next start loads it, and tries again.
alter table ghosts add column backup_behind boolean not null default false;

-- The secrets of an identity are on the server before it is published. These were to be put there afterwards: signing is
-- repeated, with the same identity.
update ghosts set cross_signed = false where cross_signed and not secured;
