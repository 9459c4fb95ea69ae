-- compatible: yes

-- Whether a consent was given in encrypted words, which no homeserver can have made up. Of those that were given before this
-- was kept it is not known: they count as given in clear.
alter table consents add column encrypted boolean not null default false;
