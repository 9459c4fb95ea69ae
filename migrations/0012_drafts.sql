-- How often the draft of a turn's answer was edited, over all attempts at it: clients choke on too many.
alter table turns add column edits integer not null default 0;
-- Somebody asked for the answer to stop.
alter table turns add column stopped boolean not null default false;
-- The draft's event, for whoever reacts to it.
alter table turns add column draft text;

-- A question may be answered again: because somebody asks for another answer, or for more of it, or has edited the question.
alter table turns add column round integer not null default 0;
alter table turns add column kind text not null default 'answer'
  check (kind in ('answer', 'again', 'continue', 'edit'));
alter table turns drop constraint turns_ghost_event_id_key;
alter table turns add unique (ghost, event_id, round);

-- What people think of answers.
create table feedback (
  ghost text not null,
  room_id text not null,
  -- The answer.
  event_id text not null,
  sender text not null,
  -- The reaction's event, for when it is taken back.
  reaction text not null,
  good boolean not null,
  created_at timestamptz not null default now(),
  primary key (ghost, reaction)
);

-- Who may do everything in the room, whatever the power levels say (room version 12): a JSON list of user ids.
alter table rooms add column creators text;

-- Reactions and deletions look for the turn behind an event, and for the answers to a question.
create index turns_by_draft on turns (draft) where draft is not null;
create index turns_by_question on turns (position);
create index messages_by_answered on messages (answers) where answers is not null;
