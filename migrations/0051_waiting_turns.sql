-- compatible: yes

-- A turn whose calls of tools wait for a person's word is `waiting`: a row, and nothing in memory. It is queued again when
-- all of its calls are decided, or taken when its time is over. See src/turns/turn.ts. A version that knows no such turns
-- leaves them alone.
alter table turns
  -- The end of the time for an answer, from the last question on; the calls that nobody has decided by then are refused.
  add column waits_until timestamptz,
  drop constraint turns_state_check,
  add constraint turns_state_check check (
    state in ('queued', 'running', 'waiting', 'sending', 'answered', 'failed', 'cancelled'));
create index turns_waiting on turns (ghost, room_id, waits_until) where state = 'waiting';

alter table turn_steps
  -- The letters by which people name a call. They are made with the row, before anybody is asked.
  add column code text,
  -- The person who has approved or declined it.
  add column decided_by text,
  drop constraint turn_steps_state_check,
  add constraint turn_steps_state_check check (
    state in ('asked', 'called', 'answered', 'failed',
      'proposed', 'waiting', 'approved', 'declined', 'running', 'done', 'refused', 'unknown'));
create unique index turn_steps_by_code on turn_steps (ghost, code) where code is not null;
