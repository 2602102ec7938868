-- Which other actions a start included, for their budgets: a JSON list.
alter table run add column entails text not null default '[]';
