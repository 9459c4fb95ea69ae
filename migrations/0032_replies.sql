-- compatible: yes
-- The event that a message replies to; empty: one that this agent is not to read.
alter table messages add column replies_to text;
-- What is remembered only because a message that was said to the agent replies to it, or stands in its thread. Its sender is
-- empty as long as it has not been read.
alter table messages add column only_quoted boolean not null default false;
create index messages_by_reply on messages (ghost, replies_to) where replies_to is not null;
