-- Attempts at actions that are not over: how they stand, whether people are asked, and since when that is so.

create table attempt (
    incident bigint not null,
    number integer not null,
    state text not null,
    asks integer not null,
    since bigint not null,
    primary key (incident, number)
);
