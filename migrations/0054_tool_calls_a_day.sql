-- compatible: yes

-- Calls of tools in a day are counted as questions and tokens are. A version before does not look at them.
alter table allowances
  drop constraint allowances_what_check,
  add constraint allowances_what_check check (what in ('requests', 'tokens', 'tool_calls'));
