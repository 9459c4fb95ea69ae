-- Keeps sealing keys until the transaction ends, and refuses the transaction where one is gone or of another day: what is known
-- of a key is used without asking first.
create function hold_sealing_keys(ids json) returns void language plpgsql as $$
declare
  held integer;
begin
  perform from sealing_keys
    where id in (select value::bigint from json_array_elements_text(ids))
      and (period = '' or period = to_char(now() at time zone 'utc', 'YYYY-MM-DD'))
    for key share;
  get diagnostics held = row_count;
  if held <> json_array_length(ids) then
    raise exception 'a sealing key is not to be used any more' using errcode = 'MA002';
  end if;
end
$$;
