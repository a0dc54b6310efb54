import { describe, expect, test } from 'vitest';
import { readLog } from './records.ts';
import { complaint, lastWords } from './telling.ts';

const told = (log: string, finishedAt: string | null = null): string | null =>
  lastWords(readLog(log), { exitCode: 1, finishedAt })?.text ?? null;

describe('what a program outlived', () => {
  test.each([
    {
      of: 'an error of an optional part, then work, then the end',
      log: `ts=1 level=error msg="plugin list unreadable" err="open /plugins: no such file or directory"
ts=2 level=info msg="importing 3 tables"
Error: ledger format 9 is not known to this release (at most 7)`,
      says: 'Error: ledger format 9 is not known to this release (at most 7)',
    },
    {
      of: 'a panic after such an error',
      log: `2026-05-01T09:57:00Z ERROR cannot open /etc/motd: no such file or directory
2026-05-01T09:57:01Z INFO importing tables
panic: ledger format 9 is not known to this release

goroutine 1 [running]:
main.main()`,
      says: 'panic: ledger format 9 is not known to this release',
    },
    {
      of: 'a default that was taken',
      log: `2026-05-01T09:57:00Z  WARN app::config: WORKER_COUNT unset, assuming 4
thread 'main' panicked at src/main.rs:7:1:
sink must answer: Error(Connect, InvalidCertificate(UnknownIssuer))
note: run with RUST_BACKTRACE=1`,
      says: 'sink must answer: Error(Connect, InvalidCertificate(UnknownIssuer)) (panicked at src/main.rs:7:1)',
    },
    {
      of: 'an error that the last words name again stays the reason',
      log: `2026-05-01T09:57:00Z ERROR open /etc/app/rules.yaml: permission denied
2026-05-01T09:57:01Z INFO serving metrics
2026-05-01T09:57:02Z FATAL no rules could be read from /etc/app/rules.yaml at all`,
      says: 'open /etc/app/rules.yaml: permission denied',
    },
    {
      of: 'last words that only say that the start failed are no reason of their own',
      log: `2026-05-01T09:57:00Z ERROR db: password authentication failed for user "app"; giving up
2026-05-01T09:57:01Z INFO metrics server is up
2026-05-01T09:57:02Z FATAL application failed to start`,
      says: 'db: password authentication failed for user "app"; giving up',
    },
    {
      of: 'a reason that is said again and stands in the last words',
      log: `logger=theme level=error msg="Could not load theme" err="theme 'old-dark' is not supported any more"
logger=rules level=error msg="Failed to provision rules" err="Rule provisioning: rules.yaml: two groups have the name nightly"
logger=rules level=error msg="Failed to provision rules" err="Rule provisioning: rules.yaml: two groups have the name nightly"
Error: x service state: Failed: [starting module rules: Rule provisioning: rules.yaml: two groups have the name nightly]`,
      says: 'Failed to provision rules: Rule provisioning: rules.yaml: two groups have the name nightly',
    },
    {
      of: 'Erlang: the reason of a crash report, not the lines about its process',
      log: `2026-05-01 09:57:51.3+00:00 [error] <0.88.0>   crasher:
2026-05-01 09:57:51.3+00:00 [error] <0.88.0>     initial call: ssl_files:init/1
2026-05-01 09:57:51.3+00:00 [error] <0.88.0>     pid: <0.88.0>
2026-05-01 09:57:51.3+00:00 [error] <0.88.0>     registered_name: []
2026-05-01 09:57:51.3+00:00 [error] <0.88.0>     exception error: "Key file /etc/mq/tls.key must be readable by its owner only"
2026-05-01 09:57:51.3+00:00 [error] <0.88.0>     ancestors: [net_sup,kernel_sup,<0.47.0>]
2026-05-01 09:57:51.3+00:00 [error] <0.88.0>     heap_size: 2586`,
      says: 'exception error: "Key file /etc/mq/tls.key must be readable by its owner only"',
    },
    {
      of: 'a right that is missing, long before the caches of an operator are given up',
      log: `W0501 09:55:02.101221       1 reflector.go:547] failed to list *v1.Node: nodes is forbidden: User "system:serviceaccount:ops:scaler" cannot list resource "nodes" in API group ""
2026-05-01T09:57:02Z	ERROR	setup	problem running manager	{"error": "timed out waiting for cache to be synced for Kind *v1.Node"}`,
      says: 'failed to list *v1.Node: nodes is forbidden: User "system:serviceaccount:ops:scaler" cannot list resource "nodes" in API group ""',
    },
    {
      of: 'a definition that is missing, long before the caches of an operator are given up',
      log: `2026-05-01T09:55:00Z ERROR no matches for kind "Zone" in version "dns.example/v1"
2026-05-01T09:55:10Z INFO metrics are served
2026-05-01T09:57:00Z ERROR failed to wait for zone caches to sync: timed out waiting for cache to be synced`,
      says: 'no matches for kind "Zone" in version "dns.example/v1"',
    },
    {
      of: 'a variable that is not set is not why a start failed that does not say why',
      log: `{"level":"warn","message":"REDIS_URL not set, sessions live in memory"}
{"level":"info","message":"connecting"}
{"level":"error","message":"startup failed"}`,
      says: 'startup failed',
    },
    {
      of: 'the exception in the trace of a field',
      log: `{"level":"error","message":"startup failed","stack":"MongoServerSelectionError: getaddrinfo ENOTFOUND mongo.data.svc\\n    at x"}`,
      says: 'startup failed: MongoServerSelectionError: getaddrinfo ENOTFOUND mongo.data.svc',
    },
    {
      of: 'a connection that failed, then what cannot go on without it',
      log: `2026-05-01 09:57:00 ERROR could not connect to pg.data:5432: connection refused
2026-05-01 09:57:01 INFO warming template cache
2026-05-01 09:57:02 FATAL migrations cannot run without a database connection`,
      says: 'could not connect to pg.data:5432: connection refused',
    },
    {
      of: 'a login that was refused, then a time-out that names nobody',
      log: `2026-05-01 09:57:00 ERROR db: password authentication failed for user "app"
2026-05-01 09:57:00 INFO scheduler started
2026-05-01 09:57:05 ERROR pool limit of 5 reached, connection timed out, timeout 30.00`,
      says: 'db: password authentication failed for user "app"',
    },
    {
      of: 'what fails because the program stops',
      log: `ts=1 level=error msg="licence key is not valid for cluster eu-7"
ts=1 level=info msg="closing connections"
ts=2 level=error msg="could not deregister" err="dial tcp 127.0.0.1:8500: connect: connection refused"`,
      says: 'licence key is not valid for cluster eu-7',
    },
    {
      of: 'a warning of a script, then its next step, which fails',
      log: `warning: could not read /etc/app/extra.yaml: no such file or directory
connecting to nats://nats.mq:4222
nats: no servers available for connection`,
      says: 'nats: no servers available for connection',
    },
    {
      of: 'that a start failed says less than the line after it',
      log: `2026-05-01 09:57:01,100 ERROR [cli.Handler] (main) ERROR: Failed to start server in (production) mode
2026-05-01 09:57:01,100 ERROR [cli.Handler] (main) ERROR: Strict host names configured, but no host name setting given`,
      says: '(main) ERROR: Strict host names configured, but no host name setting given',
    },
    {
      of: 'that a command could not be loaded says less than the exception below',
      log: `bundler: failed to load command: puma (/usr/local/bundle/bin/puma)
/gems/encrypted_file.rb:120:in 'check_key_length': Encryption key must be exactly 32 characters. (ActiveSupport::InvalidKeyLengthError)`,
      says: 'ActiveSupport::InvalidKeyLengthError: Encryption key must be exactly 32 characters.',
    },
    {
      of: 'MariaDB writes the hour without a zero',
      log: `2026-05-01  9:57:00 0 [Warning] Could not increase number of max_open_files to more than 1024
2026-05-01  9:57:00 0 [ERROR] InnoDB: Upgrade after a crash is not supported.
2026-05-01  9:57:00 0 [ERROR] Aborting`,
      says: 'InnoDB: Upgrade after a crash is not supported.',
    },
    {
      of: 'a service that is done without',
      log: `2026/05/01 09:57:00 WARN flag service unreachable, all flags are off err="dial tcp 10.96.1.1:8013: connect: connection refused"
2026/05/01 09:57:00 ERROR listeners[1].port: 70000 is out of range`,
      says: 'listeners[1].port: 70000 is out of range',
    },
    {
      of: 'parts that are switched off, and work for minutes',
      log: `2026-05-01 09:50:00,100 ERROR search: connection refused. Search is disabled.
2026-05-01 09:50:00,200 ERROR mail: NOAUTH Authentication required. Continuing without mail.
2026-05-01 09:50:00,300 ERROR maps: cannot open /maps/eu.bin: No such file or directory
2026-05-01 09:50:02,000 INFO planner ready
2026-05-01 09:57:03,000 INFO leaving`,
      finishedAt: '2026-05-01T09:57:03Z',
      says: null,
    },
  ])('$of', ({ log, finishedAt, says }) => {
    expect(told(log, finishedAt ?? null)).toBe(says);
  });

  test.each([
    {
      of: 'what was overcome later',
      log: `2026-05-01T09:00:00Z ERROR smtp: certificate has expired
2026-05-01T09:10:00Z INFO smtp: connected`,
      since: null,
      says: null,
    },
    {
      of: 'another thing that went well later proves nothing',
      log: `2026-05-01T09:00:00Z ERROR smtp: certificate has expired
2026-05-01T09:10:00Z INFO postgres: connected`,
      since: null,
      says: 'smtp: certificate has expired',
    },
    {
      of: 'what was said long before the trouble began',
      log: '2026-05-01T09:00:00Z ERROR smtp: certificate has expired\n',
      since: Date.parse('2026-05-01T09:30:00Z'),
      says: null,
    },
    {
      of: 'what was said shortly before it',
      log: '2026-05-01T09:25:00Z ERROR smtp: certificate has expired\n',
      since: Date.parse('2026-05-01T09:30:00Z'),
      says: 'smtp: certificate has expired',
    },
  ])('a complaint: $of', ({ log, since, says }) => {
    expect(complaint(readLog(log), null, since)?.text ?? null).toBe(says);
  });
});
