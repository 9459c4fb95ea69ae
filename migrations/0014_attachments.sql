-- A file that was sent with a message: where it is and how it is opened, as JSON. Its contents are not kept.
alter table messages add column attachment text;
