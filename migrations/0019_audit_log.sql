-- compatible: yes

-- What matters for security, a row for each thing that happened, chained by hashes; see src/audit/. Never text, never keys.
create table audit_log (
  seq bigint primary key,
  at timestamptz not null,
  kind text not null,
  -- JSON, and `text` rather than `json`: the hash is that of these very characters.
  details text not null,
  -- The hash of the row before this one; of the first row it is empty.
  previous text not null,
  -- SHA-256 in hexadecimal digits over seq, at in ms since 1970, kind, previous and details, with line feeds between them.
  hash text not null
);
create index audit_log_by_time on audit_log (at);
-- The same refusal is noted once an hour.
create index audit_log_refusals on audit_log using hash (details) where kind = 'refused';

-- The end of the chain. Who appends holds this row until the transaction ends.
create table audit_head (
  only_row boolean primary key default true check (only_row),
  seq bigint not null,
  previous text not null,
  hash text not null
);
insert into audit_head (seq, previous, hash) values (0, '', '');

create function refuse_change_of_audit_log() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is only appended to' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_log_is_appended_to before update or delete or truncate on audit_log
  for each statement execute function refuse_change_of_audit_log();
create trigger audit_head_stays before delete or truncate on audit_head
  for each statement execute function refuse_change_of_audit_log();
