-- compatible: yes

-- The same as hold_sealing_keys(json), which earlier versions go on calling. PostgreSQL takes a list in JSON for a hundred keys and
-- reads the whole table of keys for one; of an array it looks up each.
create function hold_sealing_keys(ids bigint[]) returns void language plpgsql as $$
declare
  held integer;
begin
  perform from sealing_keys
    where id = any (ids)
      and (period = '' or period = to_char(now() at time zone 'utc', 'YYYY-MM-DD'))
    for key share;
  get diagnostics held = row_count;
  if held <> cardinality(ids) then
    raise exception 'a sealing key is not to be used any more' using errcode = 'MA002';
  end if;
end
$$;
