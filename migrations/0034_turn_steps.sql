-- compatible: yes

-- The steps of a turn that is not over: who was asked and what came back. A step is written before somebody is asked, so that
-- after a crash a step that was not answered is asked anew, and one that was answered is not. Steps go with the end of the
-- turn, or with the key that they are sealed with. See src/turns/turn-step.ts. Owned by src/turns/turn-steps.ts.
create table turn_steps (
  ghost text not null,
  turn bigint not null references turns on delete cascade,
  -- From 1 without a gap.
  number integer not null check (number > 0),
  -- Who was asked: `model`.
  asked_of text not null,
  state text not null check (state in ('asked', 'answered', 'failed')),
  -- What was asked, sealed; null where it is made of the conversation each time.
  question text,
  -- What came back, as JSON, sealed; null while nothing has.
  answer text,
  sealed_by bigint references sealing_keys on delete cascade,
  asked_at timestamptz not null default now(),
  primary key (turn, number),
  -- No words without a seal.
  check ((sealed_by is null) = (question is null and answer is null))
);
create index turn_steps_by_key on turn_steps (sealed_by) where sealed_by is not null;
