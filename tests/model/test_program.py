"""Lines of the settings let be run what they cover, and no line lets everything be run."""

import pytest

from responder.model.program import allows, line_of

DUMP = "jmap -dump:* *"


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("jmap", ["jmap"]),
        ("jmap", ["jmap", "-dump:live", "1"]),
        (DUMP, ["jmap", "-dump:format=b,file=/tmp/h", "1"]),
        (DUMP, ["jmap", "-dump:", ""]),
        ("redis-cli --scan ...", ["redis-cli", "--scan"]),
        ("redis-cli --scan ...", ["redis-cli", "--scan", "--pattern", "a*"]),
        ("redis-cli GET session:*:name", ["redis-cli", "GET", "session:a:b:name"]),
        ("python -m ops.breaker reset *", ["python", "-m", "ops.breaker", "reset", "payments"]),
        ("sh /scripts/dump.sh ...", ["sh", "/scripts/dump.sh", "-v"]),
        ("""node -e "require('heapdump')" """, ["node", "-e", "require('heapdump')"]),
        ("env LANG=C jmap 1", ["env", "LANG=C", "jmap", "1"]),
        (r"psql -c 'SELECT count(\*) FROM t'", ["psql", "-c", "SELECT count(*) FROM t"]),
        ("perl -e 'print 1' *", ["perl", "-e", "print 1", "x"]),
        ("/usr/bin/jmap *", ["/usr/bin/jmap", "1"]),
        ("sh /scripts/dump.sh --pod=*", ["sh", "/scripts/dump.sh", "--pod=api"]),
        ("java -jar /a.jar *", ["java", "-jar", "/a.jar", "x"]),
        ("java -Xmx1g -Da=b -jar /a.jar ...", ["java", "-Xmx1g", "-Da=b", "-jar", "/a.jar", "-v"]),
        ("java -Xmx1g app.Main *", ["java", "-Xmx1g", "app.Main", "x"]),
        ("python -u /a.py *", ["python", "-u", "/a.py", "x"]),
        ("python3 -I -m ops.breaker *", ["python3", "-I", "-m", "ops.breaker", "x"]),
        ("node --max-old-space-size=64 x.js *", ["node", "--max-old-space-size=64", "x.js", "x"]),
        ("java -cp /a.jar app.Main", ["java", "-cp", "/a.jar", "app.Main"]),
        ("gosu postgres pg_isready", ["gosu", "postgres", "pg_isready"]),
        *[(f"{name} *", [name, "x"]) for name in ("python-config", "dotnet-dump", "ldd", "7z", "envoy", "gcore", "ss")],
        (r"redis-cli keys \*", ["redis-cli", "keys", "*"]),
        (r"redis-cli keys a\*b*", ["redis-cli", "keys", "a*bc"]),
        (r'redis-cli keys "\*"', ["redis-cli", "keys", "*"]),
        (r"find /tmp -name \*.hprof", ["find", "/tmp", "-name", "*.hprof"]),
    ],
)
def test_a_line_covers_the_arguments_that_it_says(line: str, argv: list[str]) -> None:
    assert allows(["other", line], argv)


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("jmap", ["jmapx"]),
        ("jmap", ["/bin/jmap"]),
        ("jmap", ["./jmap"]),
        ("jmap", ["jmap "]),
        ("jmap", ["jmap\n"]),
        ("jmap", ["JMAP"]),
        ("jmap", []),
        ("/bin/jmap", ["jmap"]),
        (DUMP, ["jmap", "-dump:x"]),
        (DUMP, ["jmap", "-dump:x", "1", "2"]),
        (DUMP, ["jmap", "-dump:x", "-F"]),
        (DUMP, ["jmap", "-histo", "1"]),
        (DUMP, ["jmap", "x-dump:", "1"]),
        ("redis-cli --scan ...", ["redis-cli", "FLUSHALL"]),
        ("redis-cli GET session:*:name", ["redis-cli", "GET", "session:name"]),
        ("redis-cli GET session:*:name", ["redis-cli", "GET", "session:a:name:x"]),
        ("redis-cli GET a*b*a", ["redis-cli", "GET", "aba"[:2]]),
        ("redis-cli GET a*ab*ba", ["redis-cli", "GET", "aaba"]),
        ("python -m ops.breaker reset *", ["python", "-m", "ops.breaker", "reset", "--all"]),
        ("python -m ops.breaker reset *", ["python", "-m", "ops.other", "reset", "x"]),
        ("python -m ops.breaker reset *", ["python", "-c", "ops.breaker", "reset", "x"]),
        ("sh /scripts/dump.sh", ["sh", "-c", "/scripts/dump.sh"]),
        ("sh /scripts/dump.sh", ["sh", "/scripts/dump.sh", "x"]),
        ("env LANG=C jmap 1", ["env", "LANG=C", "sh", "1"]),
        (r"psql -c 'SELECT count(\*) FROM t'", ["psql", "-c", "SELECT count(1); DROP TABLE t; --) FROM t"]),
        ("perl -e 'print 1' *", ["perl", "-e", "print 1", "-e"]),
        (r"redis-cli keys \*", ["redis-cli", "keys", "session:1"]),
        (r"redis-cli keys a\*b*", ["redis-cli", "keys", "axbc"]),
        (r'redis-cli keys "\*"', ["redis-cli", "keys", "session:1"]),
        (r"find /tmp -name \*.hprof", ["find", "/tmp", "-name", "x.hprof"]),
    ],
)
def test_a_line_covers_nothing_else(line: str, argv: list[str]) -> None:
    assert not allows([line], argv)


@pytest.mark.parametrize(
    "line",
    [
        *[
            "sh",
            "bash",
            "ash",
            "dash",
            "zsh",
            "ksh",
            "fish",
            "python",
            "python3",
            "python3.11",
            "perl",
            "ruby",
            "node",
            "nodejs",
            "php",
            "java",
            "awk",
            "psql",
        ],
        *[
            "env",
            "xargs",
            "busybox",
            "toybox",
            "sudo",
            "su",
            "nsenter",
            "chroot",
            "timeout",
            "find",
            "tar",
            "ssh",
            "kubectl",
            "docker",
            "crictl",
        ],
        *("/bin/sh", "/usr/bin/env", "/usr/local/bin/python3.12", "/opt/node-v20/bin/node"),
        *("sh ...", "sh *", "sh -c *", "bash -c ...", "bash -lc *", "bash -o errexit *", "sh /scripts/*", "sh -x *"),
        *("python *", "python -c *", "python -m *", "python -m ops.*", "python -I -c *", "node -e *", "node -r a *"),
        *(
            "perl -e x ...",
            "ruby -e x ...",
            "node -e x ...",
            "psql -c 'SELECT 1' ...",
            "psql shop ...",
            "sed p ...",
            "pwsh -c x *",
        ),
        *("perl -e *", "psql -c *", "psql -h db -c *", "java -jar *", "awk *"),
        *("env *", "env A=b *", "sudo -u app *", "timeout 5 *", "busybox sh *", "xargs jmap *", "kubectl get *"),
        *("sudo -u app jmap ...", "nsenter -t 1 -m ...", "find /tmp -name *"),
        *("gosu *", "su-exec postgres ...", "tini -- ...", "tini-static", "dumb-init", "flock /x ...", "runuser -u *"),
        *("setpriv", "unshare *", "stdbuf -oL *", "strace *", "gdb -p *", "nohup ...", "tmux", "screen -d *"),
        *("/lib64/ld-linux-x86-64.so.2 ...", "/lib/ld-musl-aarch64.so.1 *", "ld.so *", "ld-2.31.so *"),
        *("bundle exec *", "rails runner *", "rsync -e *", "mysqlsh", "dotnet exec *"),
        *(
            "busybox.static ...",
            "vim.tiny ...",
            "python3.11t *",
            "python3t",
            "python3.11-dbg.bin",
            "psql-15 *",
            "nc.openbsd",
        ),
        *("perl -e 'print 1' -*", "perl -e 'print 1' -e=*", "python -m ops.breaker -*", "sh /scripts/dump.sh -*"),
        *(
            "java -Xmx1g *",
            "java -Xmx* Main",
            "java -D*",
            "java -Da=* -jar /a.jar",
            "java -Xmx1g -jar *",
            "java -jar ...",
        ),
        *(
            "sh -jar /a.jar *",
            "bash -Xo errexit *",
            "python -W ignore *",
            "python -u *",
            "python -u -c *",
            "python -um *",
        ),
        *("node --require=* x.js", "node --max-old-space-size=64 *", "node -r x y.js *", "java -cp x Main *"),
        *("python -m timeit *", "python -m pdb ...", "python3 -m cProfile *"),
    ],
)
def test_no_line_lets_anything_be_run(line: str) -> None:
    with pytest.raises(ValueError, match="write the whole command line"):
        line_of(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "...",
        "*",
        "* ...",
        "ops-*",
        "ops-.*",
        "a|b",
        ".*",
        "-c",
        "jmap ... 1",
        "jmap 'x",
        "jmap\nsh",
        "a\x00b",
        "$SHELL",
    ],
)
def test_what_is_no_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"is no (command line|program)"):
        line_of(line)


@pytest.mark.parametrize(
    "argument",
    [
        "/var/log/../../run/secrets/kubernetes.io/serviceaccount/token",
        "/var/log/..",
        "/var/log/a/../../x",
        "/var/log/a:../x",
        "/var/log/x,..",
    ],
)
def test_a_star_does_not_climb_out_of_a_directory(argument: str) -> None:
    assert not allows(["cat /var/log/*"], ["cat", argument])
    assert not allows(["cat *"], ["cat", argument])
    assert not allows(["cat /var/log/*/../app.log"], ["cat", f"{argument}/../app.log"])
    assert not allows(["tool --file=*"], ["tool", "--file=../x"])


def test_two_dots_that_lead_nowhere_or_are_written_out_pass() -> None:
    assert allows(["cat /var/log/*"], ["cat", "/var/log/app..1/..x/y.."])
    assert allows(["seq *"], ["seq", "1..9"])
    assert allows(["cat /app/../log/*"], ["cat", "/app/../log/x"])
    assert allows(["cat /log/*/../x"], ["cat", "/log/a/../x"])


@pytest.mark.parametrize(
    ("refused", "cured"),
    [
        ("java -cp /a.jar app.Main *", "java -jar /app.jar *"),
        ("bash -x /s.sh *", "sh /scripts/dump.sh"),
        ("python -W ignore -m ops.breaker *", "python -m ops.breaker reset *"),
        ("find /tmp -name *", r"find /tmp -name \*"),
    ],
)
def test_a_refused_line_is_taken_when_it_is_written_as_the_refusal_says(refused: str, cured: str) -> None:
    with pytest.raises(ValueError, match="write the whole command line") as told:
        line_of(refused)
    assert f"`{cured}`" in str(told.value) or r"a star as `\*`" in str(told.value)
    assert line_of(cured)


def test_an_argument_that_is_not_known_yet_may_be_anything() -> None:
    def known(text: str) -> bool:
        return "${" not in text

    assert allows([DUMP], ["jmap", "-dump:x", "${labels.pid}"], known)
    assert not allows([DUMP], ["jmap", "-histo", "${labels.pid}"], known)
    assert not allows([DUMP], ["jmap", "${labels.what}"], known)


def test_matching_takes_no_longer_with_many_stars() -> None:
    assert not allows(["a " + "*a" * 200 + "b"], ["a", "x" + "a" * 20_000])
