import { describe, expect, test } from 'vitest';
import { namesPeer } from './chain.ts';
import { readLog } from './records.ts';
import { lastWords } from './telling.ts';

const told = (log: string, exitCode = 1): string | null => {
  const line = lastWords(readLog(log), { exitCode, finishedAt: null });
  return line === null ? null : `${line.kind ?? '-'} ${line.text}`;
};

describe('chains of exceptions', () => {
  test.each([
    {
      of: 'Python: what came up while the former was handled ended the program',
      log: `Traceback (most recent call last):
  File "/srv/cfg.py", line 8, in get
    return open(path).read()
FileNotFoundError: [Errno 2] No such file or directory: '/srv/override.toml'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/run.py", line 3, in <module>
    cfg.get()
google.api_core.exceptions.Forbidden: 403 GET https://storage.example/b/models: job-sa does not have storage.objects.get access.`,
      says: 'denied google.api_core.exceptions.Forbidden: 403 GET https://storage.example/b/models: job-sa does not have storage.objects.get access.',
    },
    {
      of: 'Python: where the last says nothing, the one that was handled',
      log: `Traceback (most recent call last):
  File "/srv/cfg.py", line 8, in get
FileNotFoundError: [Errno 2] No such file or directory: '/srv/app.toml'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/run.py", line 3, in <module>
RuntimeError: startup failed`,
      says: "missing-file FileNotFoundError: [Errno 2] No such file or directory: '/srv/app.toml'",
    },
    {
      of: 'Python: a traceback below a warning at the very end is its own',
      log: `2026-05-01 10:00:00 WARNING:root:no GPU was found, falling back to one thread
Traceback (most recent call last):
  File "/srv/run.py", line 3, in <module>
KeyError: 'TENANT'`,
      says: "missing-variable KeyError: 'TENANT'",
    },
    {
      of: '.NET: an exception that nobody caught is not part of the warning before it',
      log: `warn: Microsoft.AspNetCore.Hosting[15]
      Overriding the ports.
Unhandled exception. System.FormatException: The value 'ten' of setting Queue:Depth is no number.
   at Api.Program.Main(String[] args) in /src/Program.cs:line 9`,
      exit: 134,
      says: "- Unhandled exception. System.FormatException: The value 'ten' of setting Queue:Depth is no number.",
    },
    {
      of: 'Java: an outer exception of the same kind names the other end',
      log: `Exception in thread "main" java.lang.IllegalStateException: no pool
	at app.Main.main(Main.java:9)
Caused by: org.postgresql.util.PSQLException: Connection to ledger-db.pay:6432 refused. Check that the hostname and port are correct.
	at org.postgresql.core.v3.ConnectionFactoryImpl.openConnectionImpl(ConnectionFactoryImpl.java:352)
Caused by: java.net.ConnectException: Connection refused
	at java.base/sun.nio.ch.Net.pollConnect(Native Method)`,
      says: 'refused org.postgresql.util.PSQLException: Connection to ledger-db.pay:6432 refused. Check that the hostname and port are correct.',
    },
    {
      of: '.NET: an outer exception without the reason stands before it',
      log: `Unhandled exception. StackExchange.Redis.RedisConnectionException: no connection is active
 ---> StackExchange.Redis.RedisConnectionException: UnableToWrite on cache.web.svc:6380, last read 2s ago
 ---> System.Net.Sockets.SocketException (111): Connection refused
   at System.Net.Sockets.Socket.Connect()
   at Web.Program.Main(String[] args) in /src/Program.cs:line 12`,
      exit: 139,
      says: 'refused StackExchange.Redis.RedisConnectionException: UnableToWrite on cache.web.svc:6380, last read 2s ago: System.Net.Sockets.SocketException (111): Connection refused',
    },
    {
      of: 'Node: an aggregate names each address that was tried, no place in a source',
      log: `[Nest] 7  - 05/01/2026, 9:57:29 AM   ERROR [ExceptionHandler] AggregateError [ECONNREFUSED]
    at internalConnectMultiple (node:net:1139:18) {
  code: 'ECONNREFUSED',
  [errors]: [
    Error: connect ECONNREFUSED ::1:6379
        at createConnectionError (node:net:1675:14) {
      errno: -111, code: 'ECONNREFUSED', syscall: 'connect', address: '::1', port: 6379 },
    Error: connect ECONNREFUSED 127.0.0.1:6379
        at createConnectionError (node:net:1675:14) {
  ]
}`,
      says: 'refused Error: connect ECONNREFUSED ::1:6379; Error: connect ECONNREFUSED 127.0.0.1:6379',
    },
    {
      of: 'Python: an exit that was asked for while another was handled',
      log: `Traceback (most recent call last):
  File "/srv/s.py", line 3, in <module>
PermissionError: [Errno 13] Permission denied: '/data/lock'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/s.py", line 5, in <module>
SystemExit: 1`,
      says: "permission PermissionError: [Errno 13] Permission denied: '/data/lock'",
    },
    {
      of: 'Node: the cause inside an error',
      log: `Error: boot failed
    at main (/srv/i.js:1:1) {
  [cause]: Error: connect ECONNREFUSED 10.96.4.4:9092
      at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16) {
    code: 'ECONNREFUSED',
  }
}`,
      says: 'refused Error: connect ECONNREFUSED 10.96.4.4:9092',
    },
    {
      of: 'Java: a host and its address before a port, in a class inside a class',
      log: `Exception in thread "main" io.lettuce.core.RedisConnectionException: Unable to connect
	at io.lettuce.core.RedisConnectionException.create(RedisConnectionException.java:78)
Caused by: io.netty.channel.AbstractChannel$AnnotatedConnectException: Connection refused: redis.cache.svc/10.96.7.7:6380
Caused by: java.net.ConnectException: Connection refused
	at java.base/sun.nio.ch.Net.pollConnect(Native Method)`,
      says: 'refused io.netty.channel.AbstractChannel$AnnotatedConnectException: Connection refused: redis.cache.svc/10.96.7.7:6380',
    },
    {
      of: 'Elixir: the reason why an application did not start',
      log: `09:57:01.000 [notice] Application shop exited: Shop.Application.start(:normal, []) returned an error: shutdown: failed to start child: Shop.Repo
    ** (EXIT) an exception was raised:
        ** (ArgumentError) invalid value for :port option: expected integer, got: "54x2"`,
      says: 'broken-config ** (ArgumentError) invalid value for :port option: expected integer, got: "54x2"',
    },
    {
      of: 'PostgreSQL: the detail of an error',
      log: `2026-05-01 09:57:01.334 UTC [1] FATAL:  configuration file "/etc/pg/postgresql.conf" contains errors
2026-05-01 09:57:01.334 UTC [1] DETAIL:  Line 12 names the parameter "wal_keep_segments".`,
      says: '- configuration file "/etc/pg/postgresql.conf" contains errors (Line 12 names the parameter "wal_keep_segments".)',
    },
  ])('$of', ({ log, exit, says }) => {
    expect(told(log, exit)).toBe(says);
  });
});

test.each([
  ['dial tcp 10.96.4.4:9092: connect: connection refused', true],
  ['Error 111 connecting to cache.shop:6379. Connection refused.', true],
  ['connect ECONNREFUSED [fd00::12]:5432', true],
  ['10:21:07 connection refused', false],
  ['dial.go:118: connection refused', false],
  ['src/pool.py:95. Connection refused.', false],
  ['connection refused', false],
])('%s: whether it names the other end', (text, names) => {
  expect(namesPeer(text)).toBe(names);
});
