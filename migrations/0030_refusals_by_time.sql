-- compatible: yes

-- Refusals of the last hour are counted before another one is noted.
create index audit_log_refusals_by_time on audit_log (at) where kind = 'refused';
