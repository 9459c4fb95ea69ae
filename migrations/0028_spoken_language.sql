-- compatible: yes
-- In which language somebody has spoken last with a ghost that remembers nothing of what is said to it: the bridge's bot.
alter table memberships add column spoken text check (spoken in ('en', 'de'));
