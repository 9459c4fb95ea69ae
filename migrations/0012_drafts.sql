-- How often the draft of a turn's answer was edited, over all attempts at it: clients choke on too many.
alter table turns add column edits integer not null default 0;
-- Somebody asked for the answer to stop.
alter table turns add column stopped boolean not null default false;
