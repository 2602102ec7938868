-- What else a start holds than its `lock`: a JSON list.
alter table run add column beside text not null default '[]';
