-- Everything but the inbox. Instants are microseconds since 1970, JSON is text.

create table counter (name text primary key, value bigint not null);
insert into counter (name, value) values ('incident', 0);

-- How far the inbox of that identity has been correlated: all below `id`, and the first `done` alerts of `id`.
create table watermark (inbox text primary key, id bigint not null, done integer not null);

create table incident (
    id bigint primary key,
    rule text not null,
    cluster text not null,
    open_key text unique,
    playbook text not null,
    status text not null,
    severity text not null,
    title text not null,
    namespace text not null,
    workload text not null,
    started_at bigint not null,
    data text not null,
    version integer not null,
    opened_at bigint not null,
    resolved_at bigint,
    wake_at bigint
);
create index incident_wake on incident (wake_at) where wake_at is not null;
create index incident_open on incident (id) where open_key is not null;
create index incident_resolved on incident (resolved_at) where resolved_at is not null;

create table episode (
    id {identity},
    fingerprint text not null,
    started_at bigint not null,
    latest_at bigint not null,
    ended_at bigint,
    incident bigint not null,
    cluster text not null,
    rule text not null,
    labels text not null,
    annotations text not null,
    generator_url text not null,
    silenced_by text not null default '[]'
);
create index episode_fingerprint on episode (fingerprint, started_at);
create index episode_incident on episode (incident);
create index episode_open on episode (cluster) where ended_at is null;

create table event (
    id {identity},
    incident bigint not null,
    kind text not null,
    body text not null,
    at bigint not null,
    seen integer not null
);
create index event_incident on event (incident, id);
create index event_unseen on event (incident) where seen = 0;

create table timer (
    incident bigint not null,
    name text not null,
    due_at bigint not null,
    fired_at bigint,
    primary key (incident, name)
);

create table command (
    id {identity},
    incident bigint not null,
    key text not null,
    kind text not null,
    lane text not null,
    args text not null,
    priority integer not null,
    status text not null,
    owner text not null,
    epoch integer not null,
    attempt integer not null,
    due_at bigint not null,
    asked_at bigint not null,
    ended_at bigint,
    result text not null default '',
    unique (incident, key)
);
create index command_due on command (lane, priority, due_at) where ended_at is null;
create index command_asked on command (lane, asked_at);
create index command_ended on command (ended_at) where ended_at is not null;

create table claim (scope text primary key, owner text not null, until bigint not null);

create table playbook (digest text primary key, body text not null, kept_at bigint not null);

create table heartbeat (
    rule text not null,
    key text not null,
    cluster text not null,
    labels text not null,
    seen_at bigint not null,
    missing_since bigint,
    primary key (rule, key)
);

create table rejected (
    id {identity},
    digest text not null unique,
    received_at bigint not null,
    status integer not null,
    reason text not null,
    sender text not null,
    size bigint not null,
    body bytea not null,
    times integer not null
);

-- Incidents that began faster than a receiver can take: one message for all of them. `ref` is JSON.
create table storm (
    id {identity},
    receiver text not null,
    started_at bigint not null,
    grew_at bigint not null,
    version integer not null,
    sent integer not null,
    ref text not null,
    tries integer not null,
    due_at bigint not null
);
create index storm_receiver on storm (receiver, grew_at);

create table storm_line (storm bigint not null, incident bigint not null, body text not null, primary key (storm, incident));
create index storm_line_incident on storm_line (incident);
