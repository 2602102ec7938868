-- Deliveries, byte for byte, until they are correlated. On SQLite this is a file of its own.

create table inbox (
    id {identity},
    body bytea not null,
    source text not null,
    received_at bigint not null,
    done integer not null default 0
);

create table inbox_identity (name text primary key);
