-- Whether it was only tried: in earnest such a start counts for nothing.
alter table run add column dry_run integer not null default 0;
