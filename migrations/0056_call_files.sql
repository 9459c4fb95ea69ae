-- compatible: yes

-- The pictures and files in results of calls, until they are sent with the answer. Their names and types are in the step's
-- answer. They go with their step, or with the key that they are sealed with. Owned by src/turns/call-files.ts.
create table call_files (
  turn bigint not null,
  step integer not null,
  -- From 0, in the order of the result.
  number integer not null,
  -- Base64, sealed.
  content text not null,
  sealed_by bigint not null references sealing_keys on delete cascade,
  primary key (turn, step, number),
  foreign key (turn, step) references turn_steps on delete cascade
);
create index call_files_by_key on call_files (sealed_by);
