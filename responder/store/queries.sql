-- Every statement of the product, by name. One text serves SQLite and PostgreSQL; where it cannot, it stands twice,
-- marked with its dialect. The SQLite driver leaves `for update ...` away: there is one writer.

-- == schema ==

-- name: schema_table
create table if not exists schema_version (part text primary key, version integer not null)

-- name: schema_read
select version from schema_version where part = $1

-- name: schema_write
insert into schema_version (part, version) values ($1, $2)
on conflict (part) do update set version = excluded.version

-- name: inbox_probe
update schema_version set version = version

-- == inbox ==

-- name: inbox_add [sqlite]
insert into inbox (body, source, received_at)
select substr($1, one.value ->> 0, one.value ->> 1), one.value ->> 2, one.value ->> 3 from json_each($2) as one

-- name: inbox_add [postgres]
insert into inbox (body, source, received_at) values ($1, $2, $3)

-- name: inbox_list [sqlite]
select id, length(body), source, received_at, 0 from inbox where id >= $1 order by id limit $2

-- name: inbox_list [postgres]
select id, octet_length(body), source, received_at, done from inbox where id >= $1 order by id limit $2

-- name: inbox_body
select id, body from inbox where id = $1

-- name: inbox_drop
delete from inbox where id = $1

-- name: inbox_progress
update inbox set done = $2 where id = $1

-- name: inbox_sweep
delete from inbox where id < $1

-- name: inbox_count
select count(*), min(received_at) from inbox where id >= $1

-- name: inbox_name_read
select name from inbox_identity

-- name: inbox_name_write
insert into inbox_identity (name) values ($1)

-- name: watermark_read
select id, done from watermark where inbox = $1

-- name: watermark_write
insert into watermark (inbox, id, done) values ($1, $2, $3)
on conflict (inbox) do update set id = excluded.id, done = excluded.done

-- == episodes ==

-- name: episodes_of
select id, fingerprint, started_at, latest_at, ended_at, incident, cluster, rule, labels, annotations, generator_url,
       silenced_by
from episode where fingerprint = $1 order by started_at desc, id desc limit 8

-- name: episode_add
insert into episode (fingerprint, started_at, latest_at, ended_at, incident, cluster, rule, labels, annotations,
                     generator_url)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: episode_change
update episode set started_at = $2, latest_at = $3, ended_at = $4, labels = $5, annotations = $6, generator_url = $7
where id = $1

-- name: episodes_open
select id, fingerprint, started_at, latest_at, ended_at, incident, cluster, rule, labels, annotations, generator_url,
       silenced_by
from episode where ended_at is null and cluster = $1 and id > $2 order by id limit $3

-- name: episodes_of_incident
select id, fingerprint, started_at, latest_at, ended_at, incident, cluster, rule, labels, annotations, generator_url,
       silenced_by
from episode where incident = $1 order by started_at, id limit $2

-- name: episode_silence
update episode set silenced_by = $2 where id = $1

-- name: episodes_recorded
select id, fingerprint, started_at, latest_at, ended_at, incident, cluster, rule, labels, annotations, generator_url,
       silenced_by
from episode
where (cast($1 as text) is null or fingerprint = $1) and (cast($2 as text) is null or rule = $2) and id < $3
order by id desc limit $4

-- == incidents ==

-- name: incident_numbers
update counter set value = value + $1 where name = 'incident' returning value

-- name: incident_by_key
select id, open_key from incident where open_key = $1 for update

-- name: incident_lock
select id from incident where id = $1 for update

-- name: incident_add
insert into incident (id, rule, cluster, open_key, playbook, status, severity, title, namespace, workload, started_at,
                      data, version, opened_at, wake_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)

-- name: incident_wake
update incident set wake_at = $2 where id = $1 and (wake_at is null or wake_at > $2)

-- name: incident_postpone
update incident set wake_at = $2 where id = $1

-- name: incidents_due
select id from incident where wake_at <= $1 order by wake_at, id limit $2

-- name: incident_take
select id, data, (select body from control where name = 'stop') from incident
where id = $1 and wake_at <= $2 for update skip locked

-- name: incident_playbook
update incident set playbook = $2 where id = $1

-- name: incident_save
update incident set status = $2, severity = $3, title = $4, namespace = $5, workload = $6, started_at = $7, data = $8,
                    version = $9, resolved_at = $10, wake_at = $11,
                    open_key = case when cast($12 as integer) = 1 then null else open_key end
where id = $1

-- name: incident_read
select id, data from incident where id = $1

-- name: incident_gate
select data, (select body from control where name = 'stop') from incident where id = $1

-- name: incidents_open
select id from incident where open_key is not null order by id

-- name: incidents_unheard
select distinct incident.id from event join incident on incident.id = event.incident
where event.seen = 0 and (incident.wake_at is null or incident.wake_at > $1) order by incident.id

-- name: incidents_list
select id, data from incident
where (cast($1 as text) is null or status = $1) and (cast($2 as text) is null or severity = $2)
  and (cast($3 as text) is null or rule = $3) and id < $4
order by id desc limit $5

-- name: incidents_acting
select id, data from incident
where id in (select incident from attempt union select incident from timer where name like 'attempt/%' and fired_at is null)
order by id desc limit $1

-- name: incidents_related
select id, title, severity, namespace, workload, started_at
from incident where open_key is not null and id <> $1 and cluster = $2 order by id desc limit $3

-- name: incidents_by_severity
select severity, count(*) from incident where open_key is not null group by severity

-- name: wake_next
select min(wake_at) from incident where wake_at is not null

-- == events ==

-- name: event_add
insert into event (incident, kind, body, at, seen) values ($1, $2, $3, $4, $5)

-- name: event_add_fresh
insert into event (incident, kind, body, at, seen)
select cast($1 as bigint), cast($2 as text), cast($3 as text), cast($4 as bigint), 0
where not exists (
    select 1 from event
    where incident = $1 and kind = $2 and body = $3
      and id = (select max(id) from event where incident = $1 and kind = $2)
)
returning incident

-- name: event_add_open
insert into event (incident, kind, body, at, seen)
select id, $1, $2, $3, 0 from incident where open_key is not null

-- name: events_unseen
select id, at, body from event where incident = $1 and seen = 0 order by id limit $2

-- name: event_seen
update event set seen = 1 where id = $1

-- name: events_list
select id, at, body from event where incident = $1 and id > $2 order by id limit $3

-- == timers ==

-- name: timers_pending
select name, due_at from timer where incident = $1 and fired_at is null

-- name: timer_set
insert into timer (incident, name, due_at, fired_at) values ($1, $2, $3, null)
on conflict (incident, name) do update set due_at = excluded.due_at, fired_at = null

-- name: timer_fired
update timer set fired_at = $3 where incident = $1 and name = $2

-- name: timer_cancel
delete from timer where incident = $1 and name = $2

-- == commands ==

-- name: command_add
insert into command (incident, key, kind, lane, args, priority, status, owner, epoch, attempt, due_at, asked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11)
on conflict (incident, key) do nothing
returning id, incident, key, kind, lane, args, priority, epoch, attempt, asked_at, begun, begun_by, begun_at

-- name: lanes_due
select distinct lane from command where ended_at is null and due_at <= $1

-- name: command_claim
with k as materialized (
    select id from command where ended_at is null and lane = $4 and due_at <= $3
    order by priority, due_at, id limit $5 for update skip locked
)
update command set status = 'running', owner = $1, epoch = epoch + 1, due_at = $2
from k where command.id = k.id
returning command.id, incident, key, kind, lane, args, priority, epoch, attempt, asked_at, begun, begun_by, begun_at

-- name: command_extend
update command set due_at = $3 where id = $1 and epoch = $2 and status = 'running' returning id

-- name: command_finish
update command set status = 'done', ended_at = $3, result = $4
where id = $1 and epoch = $2 and status = 'running' returning id

-- name: command_again
update command set status = 'ready', due_at = $3, attempt = attempt + 1, result = $4
where id = $1 and epoch = $2 and status = 'running' returning id

-- name: command_release
update command set status = 'ready', due_at = $3, attempt = attempt + 1
where id = $1 and epoch = $2 and status = 'running'

-- name: effect_begin
update command set begun = 1, begun_by = owner, begun_at = $4, due_at = $3
where id = $1 and epoch = $2 and status = 'running' returning id

-- name: effect_void
update command set begun = 0 where id = $1 and epoch = $2 and status = 'running'

-- name: commands_orphaned
update command set due_at = $1 where status = 'running' and due_at > $1

-- name: commands_waiting
select kind, count(*) from command where ended_at is null group by kind

-- name: command_next
select min(due_at) from command where ended_at is null

-- name: counter_add
insert into counter (name, value) values ($1, $2) on conflict (name) do update set value = counter.value + excluded.value

-- name: counter_read
select value from counter where name = $1

-- name: first_sendings
select count(*) from command where lane = $1 and key = $2 and asked_at > $3 and asked_at <= $4 and id < $5

-- == actions ==

-- name: acting_lock
insert into claim (scope, owner, until) values ('acting', '', 0)
on conflict (scope) do update set owner = excluded.owner

-- name: run_begin
insert into run (
    incident, attempt, step, undo, plugin, action, lock, beside, rule, namespace, cluster, started_at, dry_run, entails
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (incident, attempt, step, undo) do update
set started_at = excluded.started_at, ended_at = null, outcome = '', lock = excluded.lock, beside = excluded.beside,
    dry_run = excluded.dry_run, entails = excluded.entails, namespace = excluded.namespace, cluster = excluded.cluster,
    plugin = excluded.plugin

-- name: run_end
update run set ended_at = $3, outcome = $4 where incident = $1 and attempt = $2 and ended_at is null

-- name: runs_end
update run set ended_at = $2, outcome = $3 where incident = $1 and ended_at is null

-- name: runs_counted
select incident, attempt, plugin, action, lock, rule, namespace, cluster, started_at, ended_at, outcome, step, undo, beside,
    dry_run, entails
from run where ended_at is null or ended_at > $1
order by case when ended_at is null then 0 else 1 end, started_at desc limit $2

-- name: control_lock
insert into claim (scope, owner, until) values ('control', '', 0)
on conflict (scope) do update set owner = excluded.owner

-- name: control_write
insert into control (name, body, at) values ($1, $2, $3)
on conflict (name) do update set body = excluded.body, at = excluded.at

-- name: attempt_put
insert into attempt (incident, number, state, asks, since) values ($1, $2, $3, $4, $5)
on conflict (incident, number) do update
set state = excluded.state, asks = excluded.asks, since = excluded.since

-- name: attempt_over
delete from attempt where incident = $1 and number = $2

-- name: attempts_pending
select state, count(*), sum(asks), min(case when asks = 1 then since end) from attempt group by state

-- name: control_read
select body from control where name = $1

-- name: control_drop
delete from control where name = $1 returning body

-- == storms ==

-- name: storm_lock
insert into claim (scope, owner, until) values ('storm/' || $1, '', 0)
on conflict (scope) do update set owner = excluded.owner

-- name: storm_current
select id from storm where receiver = $1 and grew_at > $2 order by id desc limit 1

-- name: storm_add
insert into storm (receiver, started_at, grew_at, version, sent, ref, tries, due_at)
values ($1, $2, $2, 0, 0, 'null', 0, $2) returning id

-- name: storm_grew
update storm set grew_at = $2 where id = $1

-- name: storm_put
insert into storm_line (storm, incident, body) values ($1, $2, $3)
on conflict (storm, incident) do update set body = excluded.body

-- name: storm_leave
delete from storm_line where storm = $1 and incident = $2

-- name: storm_touch
update storm set version = version + 1 where id = $1

-- name: storm_ref
select ref from storm where id = $1

-- name: storm_lines
select body from storm_line where storm = $1 order by incident

-- name: storms_due
select id, receiver, started_at, version, ref, tries from storm where version > sent and due_at <= $1 order by id

-- name: storm_take
update storm set due_at = $2, tries = tries + 1 where id = $1 and due_at <= $3 returning id

-- name: storm_sent
update storm set sent = $2, ref = $3, tries = 0, due_at = $4 where id = $1

-- name: storm_postpone
update storm set due_at = $2 where id = $1

-- name: storm_lines_drop
delete from storm_line where incident = $1

-- name: storms_old
delete from storm where grew_at < $1 and id not in (select storm from storm_line)

-- == claims, playbooks, heartbeats ==

-- name: claim_take
insert into claim (scope, owner, until) values ($1, $2, $3)
on conflict (scope) do update set owner = excluded.owner, until = excluded.until
where claim.until <= $4 or claim.owner = excluded.owner
returning owner

-- name: claim_owner
select owner from claim where scope = $1

-- name: claim_drop
delete from claim where owner = $1

-- name: playbook_add
insert into playbook (digest, body, kept_at) values ($1, $2, $3)
on conflict (digest) do update set kept_at = excluded.kept_at

-- name: playbook_read
select body from playbook where digest = $1

-- name: heartbeat_seen
insert into heartbeat (rule, key, cluster, labels, seen_at, missing_since) values ($1, $2, $3, $4, $5, null)
on conflict (rule, key) do update set labels = excluded.labels,
    seen_at = case when heartbeat.seen_at > excluded.seen_at then heartbeat.seen_at else excluded.seen_at end

-- name: heartbeats_list
select rule, key, cluster, labels, seen_at, missing_since from heartbeat order by rule, key

-- name: heartbeat_missing
update heartbeat set missing_since = $3 where rule = $1 and key = $2

-- name: heartbeat_drop
delete from heartbeat where rule = $1 and key = $2

-- == rejected ==

-- name: rejected_add
insert into rejected (digest, received_at, status, reason, sender, size, body, times)
values ($1, $2, $3, $4, $5, $6, $7, 1)
on conflict (digest) do update set received_at = excluded.received_at, reason = excluded.reason,
    status = excluded.status, sender = excluded.sender, times = rejected.times + 1

-- name: rejected_trim
delete from rejected where id not in (select id from rejected order by received_at desc, id desc limit $1)

-- name: rejected_list
select id, received_at, status, reason, sender, size, body, times
from rejected order by received_at desc, id desc limit $1

-- name: rejected_count
select count(*) from rejected

-- == retention ==

-- name: incidents_old
select id from incident where resolved_at < $1 order by resolved_at limit $2

-- name: incidents_spared
select id from incident where resolved_at is null or resolved_at >= $1

-- name: events_drop
delete from event where incident = $1

-- name: timers_drop
delete from timer where incident = $1

-- name: commands_drop
delete from command where incident = $1

-- name: episodes_drop
delete from episode where incident = $1 and ended_at is not null

-- name: attempts_drop
delete from attempt where incident = $1

-- name: incident_drop
delete from incident where id = $1

-- name: commands_old
delete from command where id in (select id from command where ended_at < $1 order by ended_at limit $2)

-- name: episodes_old
delete from episode where id in (
    select id from episode where incident = 0 and ended_at < $1 order by ended_at limit $2
)

-- name: timers_old
delete from timer where fired_at < $1

-- name: runs_old
delete from run where ended_at < $1

-- name: playbooks_unused
delete from playbook where kept_at < $1 and digest not in (select playbook from incident)

-- == driver ==

-- name: lock_migrations [postgres]
select pg_advisory_xact_lock(7236817001)

-- name: lock_correlate [postgres]
select pg_advisory_xact_lock(7236817002)

-- name: lock_correlate [sqlite]
select 1

-- name: notify [postgres]
select pg_notify('responder', $1)

-- name: frozen_end [postgres]
with frozen as materialized (
    select distinct holder.pid from pg_stat_activity waiter
    cross join lateral unnest(pg_blocking_pids(waiter.pid)) as blocking (pid)
    join pg_stat_activity holder on holder.pid = blocking.pid
    where waiter.datname = current_database() and waiter.usename = current_user
      and waiter.wait_event_type = 'Lock' and waiter.wait_event <> 'relation'
      and holder.datname = current_database() and holder.usename = current_user
      and holder.state = 'active' and holder.wait_event_type = 'Client'
      and holder.state_change < clock_timestamp() - make_interval(secs => $1)
)
select pid from frozen where pg_terminate_backend(pid)

-- name: alive
select 1
