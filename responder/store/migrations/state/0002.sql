-- Starts of actions, which budgets count and which hold their targets; what holds for all incidents at once.

create table run (
    incident bigint not null,
    attempt integer not null,
    step integer not null,
    undo integer not null,
    plugin text not null,
    action text not null,
    lock text not null,
    rule text not null,
    namespace text not null,
    cluster text not null,
    started_at bigint not null,
    ended_at bigint,
    outcome text not null default '',
    primary key (incident, attempt, step, undo)
);
create index run_ended on run (ended_at);
create index run_open on run (incident) where ended_at is null;

create table control (name text primary key, body text not null, at bigint not null);

-- Whether an effect may have happened: set before it is begun.
alter table command add column begun integer not null default 0;
