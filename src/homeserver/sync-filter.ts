/** The part of a filter of /sync, below `room`, that leaves out the events of rooms (spec "Filtering"). */
export const NO_ROOM_EVENTS = {
  timeline: { limit: 1, types: [] },
  state: { types: [] },
  ephemeral: { types: [] },
  account_data: { types: [] },
} as const;
