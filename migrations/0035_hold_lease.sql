-- Lets a statement of a transaction say that the others count only while a lease is held: the check goes out with them, and
-- nobody waits for its answer first. Whoever wants the ghost waits for the end of the transaction.
create function hold_lease(held_ghost text, held_epoch bigint) returns void language plpgsql as $$
begin
  perform from leases where ghost = held_ghost and epoch = held_epoch for share;
  if not found then
    raise exception 'the lease is held no more' using errcode = 'MA001';
  end if;
end
$$;
