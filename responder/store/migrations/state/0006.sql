-- Who began an effect, and when: people who have to say whether it happened look for that process.
alter table command add column begun_by text not null default '';
alter table command add column begun_at bigint not null default 0;
