import { describe, expect, test } from 'vitest';
import { readLog } from './records.ts';
import { complaint, lastWords } from './telling.ts';
import type { RunEnd } from './telling.ts';

const told = (log: string, exitCode = 1, finishedAt: string | null = null): string | null => {
  const end: RunEnd = { exitCode, finishedAt };
  const line = lastWords(readLog(log), end);
  return line === null ? null : `${line.kind ?? '-'}${line.certain ? '!' : ''} ${line.text}`;
};

interface Row {
  readonly of: string;
  readonly log: string;
  readonly exit?: number;
  readonly says: string | null;
}

/** Programs that say why they end. `!` marks a line that is sure to be the reason. */
const endings: readonly Row[] = [
  {
    of: 'Rust: the message stands on the line after the place',
    log: `INFO starting
thread 'main' panicked at src/main.rs:21:47:
called \`Result::unwrap()\` on an \`Err\` value: Os { code: 2, kind: NotFound, message: "No such file or directory" }
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace`,
    exit: 101,
    says: 'missing-file! called `Result::unwrap()` on an `Err` value: Os { code: 2, kind: NotFound, message: "No such file or directory" } (panicked at src/main.rs:21:47)',
  },
  {
    of: 'Rust before 1.65: the message in quotes',
    log: `thread 'main' panicked at 'REDIS_URL must be set: NotPresent', src/config.rs:14:42`,
    exit: 101,
    says: `missing-variable! thread 'main' panicked at 'REDIS_URL must be set: NotPresent', src/config.rs:14:42`,
  },
  {
    of: 'Rust with anyhow: the innermost cause',
    log: `Error: failed to start server

Caused by:
    0: could not open listener
    1: Address already in use (os error 98)`,
    says: 'port-in-use! Address already in use (os error 98)',
  },
  {
    of: 'Spring Boot: description and reason, not the advice',
    log: `2026-05-12 09:57:58.123 ERROR 1 --- [           main] o.s.b.d.LoggingFailureAnalysisReporter   :

***************************
APPLICATION FAILED TO START
***************************

Description:

Failed to configure a DataSource: 'url' attribute is not specified and no embedded datasource could be configured.

Reason: Failed to determine a suitable driver class


Action:

Consider the following:
	If you want an embedded database (H2, HSQL or Derby), please put it on the classpath.
`,
    says: "missing-setting! Failed to configure a DataSource: 'url' attribute is not specified and no embedded datasource could be configured. Reason: Failed to determine a suitable driver class",
  },
  {
    of: 'Spring Boot: a port in use',
    log: `***************************
APPLICATION FAILED TO START
***************************

Description:

Web server failed to start. Port 8080 was already in use.

Action:

Identify and stop the process that's listening on port 8080 or configure this application to listen on another port.
`,
    says: 'port-in-use! Web server failed to start. Port 8080 was already in use.',
  },
  {
    of: 'Java: the last cause',
    log: `09:57:41.001 [main] INFO  com.shop.Main - starting
Exception in thread "main" org.apache.kafka.common.KafkaException: Failed to construct kafka consumer
	at org.apache.kafka.clients.consumer.KafkaConsumer.<init>(KafkaConsumer.java:825)
	at com.shop.Main.main(Main.java:21)
Caused by: org.apache.kafka.common.config.ConfigException: No resolvable bootstrap urls given in bootstrap.servers
	at org.apache.kafka.clients.ClientUtils.parseAndValidateAddresses(ClientUtils.java:89)
	... 2 more`,
    says: 'broken-config! org.apache.kafka.common.config.ConfigException: No resolvable bootstrap urls given in bootstrap.servers',
  },
  {
    of: 'Java: the cause that the framework only warned of, before what follows from it',
    log: `2026-03-12 19:51:02.100  INFO 1 --- [           main] com.zaxxer.hikari.HikariDataSource       : HikariPool-1 - Starting...
2026-03-12 19:51:03.200 ERROR 1 --- [           main] com.zaxxer.hikari.pool.HikariPool        : HikariPool-1 - Exception during pool initialization.

com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure

The last packet sent successfully to the server was 0 milliseconds ago. The driver has not received any packets from the server.
	at com.mysql.cj.jdbc.exceptions.SQLError.createCommunicationsException(SQLError.java:174)
Caused by: java.net.UnknownHostException: orders-db
	at java.net.InetAddress.getAllByName0(InetAddress.java:1281)
	... 20 common frames omitted

2026-03-12 19:51:03.900  WARN 1 --- [           main] ConfigServletWebServerApplicationContext : Exception encountered during context initialization - cancelling refresh attempt
2026-03-12 19:51:04.100 ERROR 1 --- [           main] o.s.boot.SpringApplication               : Application run failed

org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'entityManagerFactory'
	at org.springframework.Foo.bar(Foo.java:1)
Caused by: org.hibernate.HibernateException: Access to DialectResolutionInfo cannot be null when 'hibernate.dialect' not set
	at org.hibernate.Foo.bar(Foo.java:2)
	... 41 common frames omitted`,
    says: 'unresolved! java.net.UnknownHostException: orders-db',
  },
  {
    of: 'Python: the last line of the last traceback',
    log: `Traceback (most recent call last):
  File "/app/main.py", line 12, in <module>
psycopg2.OperationalError: could not translate host name "pg-rw" to address: Temporary failure in name resolution

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/main.py", line 15, in <module>
sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not translate host name "pg-rw" to address: Temporary failure in name resolution
(Background on this error at: https://sqlalche.me/e/20/e3q8)`,
    says: 'unresolved! sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not translate host name "pg-rw" to address: Temporary failure in name resolution',
  },
  {
    of: 'Python: a variable that is not there',
    log: `INFO:root:booting
Traceback (most recent call last):
  File "/app/x.py", line 3, in <module>
    region = os.environ["REGION"]
             ~~~~~~~~~~^^^^^^^^^^
  File "<frozen os>", line 679, in __getitem__
KeyError: 'REGION'`,
    says: "missing-variable! KeyError: 'REGION'",
  },
  {
    of: 'Django with its settings',
    log: `Traceback (most recent call last):
  File "/app/manage.py", line 22, in <module>
    main()
  File "/usr/lib/python3.12/site-packages/django/conf/__init__.py", line 190, in __init__
    raise ImproperlyConfigured("The SECRET_KEY setting must not be empty.")
django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.`,
    says: 'missing-setting! django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.',
  },
  {
    of: 'Go: the panic and the first frame of the program',
    log: `2026/05/12 09:57:58 starting
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a2b3c]

goroutine 1 [running]:
main.loadConfig(0x0)
	/app/config.go:42 +0x1d
main.main()
	/app/main.go:10 +0x25
exit status 2`,
    exit: 2,
    says: 'program-error! panic: runtime error: invalid memory address or nil pointer dereference (in main.loadConfig, /app/config.go:42)',
  },
  {
    of: 'Go with log.Fatal',
    log: '2026/05/12 09:57:58 listen tcp :8080: bind: address already in use\n',
    says: 'port-in-use! listen tcp :8080: bind: address already in use',
  },
  {
    of: 'Go with zerolog and klog mixed',
    log: `I0512 09:57:15.100000       1 leaderelection.go:250] attempting to acquire leader lease kube-system/op...
E0512 09:57:45.000000       1 leaderelection.go:332] error retrieving resource lock kube-system/op: Get "https://10.96.0.1:443/apis": context deadline exceeded
I0512 09:57:45.100000       1 leaderelection.go:285] failed to renew lease kube-system/op: timed out waiting for the condition
E0512 09:57:45.123999       1 main.go:88] "problem running manager" err="leader election lost"`,
    says: 'leader-lost! problem running manager: leader election lost',
  },
  {
    of: 'Node: an error that nobody caught',
    log: `/app/src/server.js:12
    throw new Error('Missing required environment variable STRIPE_KEY');
    ^

Error: Missing required environment variable STRIPE_KEY
    at Object.<anonymous> (/app/src/server.js:12:11)
    at Module._compile (node:internal/modules/cjs/loader:1358:14)

Node.js v20.11.0`,
    says: 'missing-variable! Error: Missing required environment variable STRIPE_KEY',
  },
  {
    of: 'Node: a module that is not in the image',
    log: `node:internal/modules/cjs/loader:1080
  throw err;
  ^

Error: Cannot find module '/app/dist/main.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1077:15) {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v18.19.0
npm ERR! code ELIFECYCLE
npm ERR! errno 1`,
    says: "missing-file! Error: Cannot find module '/app/dist/main.js'",
  },
  {
    of: 'Node: an event error',
    log: `node:events:497
      throw er; // Unhandled 'error' event
      ^

Error: listen EADDRINUSE: address already in use :::3000
    at Server.setupListenHandle [as _listen2] (node:net:1817:16)
Emitted 'error' event on Server instance at:
    at emitErrorNT (node:net:1796:8) {
  code: 'EADDRINUSE',
  port: 3000
}`,
    says: 'port-in-use! Error: listen EADDRINUSE: address already in use :::3000',
  },
  {
    of: '.NET: the innermost exception',
    log: `info: Microsoft.Hosting.Lifetime[0]
      Application started.
Unhandled exception. System.AggregateException: One or more errors occurred.
 ---> Npgsql.NpgsqlException (0x80004005): Failed to connect to 10.96.14.2:5432
 ---> System.Net.Sockets.SocketException (111): Connection refused
   at System.Net.Sockets.Socket.DoConnect(EndPoint endPointSnapshot)
   --- End of inner exception stack trace ---
   at Program.Main() in /src/Program.cs:line 12`,
    exit: 134,
    says: 'refused! Npgsql.NpgsqlException (0x80004005): Failed to connect to 10.96.14.2:5432: System.Net.Sockets.SocketException (111): Connection refused',
  },
  {
    of: 'Ruby',
    log: `/app/config.rb:3:in \`fetch': key not found: "DATABASE_URL" (KeyError)
	from /app/config.rb:3:in \`<main>'`,
    says: 'missing-variable! KeyError: key not found: "DATABASE_URL"',
  },
  {
    of: 'PHP',
    log: `[12-May-2026 09:57:58 UTC] NOTICE: fpm is running, pid 1
PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [1049] Unknown database 'shop' in /app/db.php:7
Stack trace:
#0 /app/db.php(7): PDO->__construct()
#1 {main}
  thrown in /app/db.php on line 7`,
    exit: 255,
    says: "missing-database! PHP Fatal error: Uncaught PDOException: SQLSTATE[HY000] [1049] Unknown database 'shop' in /app/db.php:7",
  },
  {
    of: 'Elixir',
    log: `** (RuntimeError) environment variable DATABASE_URL is missing.
For example: ecto://USER:PASS@HOST/DATABASE

    /app/releases/0.1.0/runtime.exs:31: (file)`,
    says: 'missing-variable! ** (RuntimeError) environment variable DATABASE_URL is missing.',
  },
  {
    of: 'C++',
    log: `terminate called after throwing an instance of 'std::runtime_error'
  what():  cannot open /etc/app/config.yaml: Permission denied
Aborted (core dumped)`,
    exit: 134,
    says: 'permission! cannot open /etc/app/config.yaml: Permission denied',
  },
  {
    of: 'JSON with an error field',
    log: `{"level":"info","ts":"2026-05-12T09:57:57Z","msg":"starting"}
{"level":"error","ts":"2026-05-12T09:57:58Z","msg":"cannot fetch signing keys","error":"Get \\"https://idp.example.com/keys\\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-05-12T09:57:58Z is after 2026-05-10T00:00:00Z"}`,
    says: 'certificate-expired! cannot fetch signing keys: Get "https://idp.example.com/keys": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-05-12T09:57:58Z is after 2026-05-10T00:00:00Z',
  },
  {
    of: 'pino with numbers for levels',
    log: `{"level":30,"time":1778579877000,"msg":"hello"}
{"level":60,"time":1778579878000,"err":{"type":"MongoServerSelectionError","message":"getaddrinfo ENOTFOUND mongo"},"msg":"startup failed"}`,
    says: 'unresolved! startup failed: MongoServerSelectionError: getaddrinfo ENOTFOUND mongo',
  },
  {
    of: 'logfmt',
    log: `ts=2026-05-12T09:57:57Z level=info msg="Starting Prometheus"
ts=2026-05-12T09:57:58Z caller=main.go:1 level=error msg="Error loading config" file=/etc/prometheus/prometheus.yml err="parsing YAML file: yaml: line 12: did not find expected key"`,
    says: 'broken-config! Error loading config: parsing YAML file: yaml: line 12: did not find expected key (/etc/prometheus/prometheus.yml)',
  },
  {
    of: 'nginx',
    log: `/docker-entrypoint.sh: Configuration complete; ready for start up
2026/05/12 09:57:58 [emerg] 1#1: host not found in upstream "api-gateway" in /etc/nginx/conf.d/default.conf:12
nginx: [emerg] host not found in upstream "api-gateway" in /etc/nginx/conf.d/default.conf:12`,
    says: 'unresolved! 1#1: host not found in upstream "api-gateway" in /etc/nginx/conf.d/default.conf:12',
  },
  {
    of: 'Redis: what it could not open, not that it gives up',
    log: `1:M 10 Jan 2026 09:02:57.113 * Server initialized
1:M 10 Jan 2026 09:02:57.113 # Fatal error: can't open the RDB file dump.rdb for reading: Permission denied
1:M 10 Jan 2026 09:02:57.113 # Fatal error loading the DB, check server logs. Exiting.`,
    says: "permission! Fatal error: can't open the RDB file dump.rdb for reading: Permission denied",
  },
  {
    of: 'MySQL',
    log: `2026-05-12T09:57:57.000000Z 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld 8.0.36) starting as process 1
2026-05-12T09:57:58.000000Z 1 [ERROR] [MY-012574] [InnoDB] Unable to lock ./ibdata1 error: 11
2026-05-12T09:57:58.100000Z 0 [ERROR] [MY-010119] [Server] Aborting
2026-05-12T09:57:58.200000Z 0 [System] [MY-010910] [Server] /usr/sbin/mysqld: Shutdown complete (mysqld 8.0.36)  MySQL Community Server - GPL.`,
    says: 'locked! Unable to lock ./ibdata1 error: 11',
  },
  {
    of: 'PostgreSQL by its entrypoint',
    log: `Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".`,
    says: 'missing-setting! Error: Database is uninitialized and superuser password is not specified.',
  },
  {
    of: 'PostgreSQL with the data of an older version',
    log: `2026-05-12 09:57:58.000 UTC [1] FATAL:  database files are incompatible with server
2026-05-12 09:57:58.000 UTC [1] DETAIL:  The data directory was initialized by PostgreSQL version 15, which is not compatible with this version 16.2.`,
    says: 'other-version! database files are incompatible with server (The data directory was initialized by PostgreSQL version 15, which is not compatible with this version 16.2.)',
  },
  {
    of: 'CoreDNS',
    log: `.:53
[INFO] plugin/reload: Running configuration SHA512 = 591
CoreDNS-1.11.1
[FATAL] plugin/loop: Loop (127.0.0.1:44222 -> :53) detected for zone ".", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO 4547991504243258144.3688648895315093531."`,
    says: 'dns-loop! plugin/loop: Loop (127.0.0.1:44222 -> :53) detected for zone ".", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO 4547991504243258144.3688648895315093531."',
  },
  {
    of: 'the shell',
    log: '/entrypoint.sh: line 12: java: command not found\n',
    exit: 127,
    says: 'missing-file! /entrypoint.sh: line 12: java: command not found',
  },
  {
    of: 'a program for another architecture',
    log: 'exec /usr/local/bin/docker-entrypoint.sh: exec format error\n',
    exit: 255,
    says: 'exec-format! exec /usr/local/bin/docker-entrypoint.sh: exec format error',
  },
  {
    of: 'the reason, not the usage text below it',
    log: `config: database.url is not set, giving up
usage: web [flags]
  -fatal-warnings     treat warnings as fatal (default false)
  -log-level string   debug, info, error, critical (default "info")
  -port int           port to listen on`,
    exit: 2,
    says: 'missing-setting! config: database.url is not set, giving up',
  },
  {
    of: 'cobra',
    log: `Error: unknown flag: --metrics-addr
Usage:
  manager [flags]

Flags:
      --health-addr string   The address the probe endpoint binds to. (default ":8081")
  -h, --help                 help for manager
      --fail-fast            fail on the first error

unknown flag: --metrics-addr`,
    says: 'unknown-option! Error: unknown flag: --metrics-addr',
  },
  {
    of: 'Go flags',
    log: `flag provided but not defined: -kubeconfg
Usage of /manager:
  -kubeconfig string
    	Paths to a kubeconfig. Only required if out-of-cluster.`,
    exit: 2,
    says: 'unknown-option! flag provided but not defined: -kubeconfg',
  },
  {
    of: 'argparse',
    log: `usage: worker.py [-h] --queue QUEUE
worker.py: error: the following arguments are required: --queue`,
    exit: 2,
    says: 'missing-setting! worker.py: error: the following arguments are required: --queue',
  },
  {
    of: 'a program that ends on purpose',
    log: `INFO  scan finished: critical=0 high=0 medium=2
INFO  metrics pushed
INFO  configuration changed on disk, exiting for restart with code 1`,
    says: 'config-changed! configuration changed on disk, exiting for restart with code 1',
  },
  {
    of: 'the last words, not an error that was ignored',
    log: `INFO starting operator 1.4
ERROR metrics exporter: could not push (ignored)
FATAL CustomResourceDefinition widgets.example.com is missing: run kubectl apply -f crds.yaml first`,
    says: 'missing-definition! CustomResourceDefinition widgets.example.com is missing: run kubectl apply -f crds.yaml first',
  },
  {
    of: 'a retry that succeeded is over, what came after counts',
    log: `2026-05-12T09:00:01Z WARN dial tcp 10.0.0.9:6379: connect: connection refused, retrying in 1s
2026-05-12T09:00:02Z WARN dial tcp 10.0.0.9:6379: connect: connection refused, retrying in 2s
2026-05-12T09:00:04Z INFO connected to redis
2026-05-12T09:57:58Z ERROR cannot write /var/lib/app/state: no space left on device`,
    says: 'disk-full! cannot write /var/lib/app/state: no space left on device',
  },
  {
    of: 'retries that never succeeded',
    log: `waiting for postgres:5432 ...
could not connect to server: Connection refused (postgres:5432), retry 1/3
could not connect to server: Connection refused (postgres:5432), retry 2/3
could not connect to server: Connection refused (postgres:5432), retry 3/3
giving up`,
    says: 'refused! could not connect to server: Connection refused (postgres:5432), retry 1/3',
  },
  {
    of: 'a worker of gunicorn',
    log: `[2026-05-12 09:56:40 +0000] [1] [INFO] Booting worker with pid: 17
[2026-05-12 09:57:58 +0000] [1] [ERROR] Worker (pid:17) was sent SIGKILL! Perhaps out of memory?
[2026-05-12 09:57:59 +0000] [1] [INFO] Shutting down: Master`,
    says: 'child-killed! Worker (pid:17) was sent SIGKILL! Perhaps out of memory?',
  },
  {
    of: 'the heap of V8',
    log: `<--- Last few GCs --->

[1:0x7f] 91234 ms: Mark-sweep 2045.1 (2083.2) -> 2044.8 MB, 1520.1 / 0.0 ms allocation failure

FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
 1: 0xb7c560 node::Abort() [node]`,
    exit: 134,
    says: 'memory! FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
  },
  {
    of: 'Kafka over log4j',
    log: `[2026-05-12 09:57:58,001] ERROR Exiting Kafka due to fatal exception during startup. (kafka.Kafka$)
org.apache.kafka.common.KafkaException: Socket server failed to bind to 10.1.2.3:9092: Cannot assign requested address.
	at kafka.network.Acceptor.openServerSocket(SocketServer.scala:778)
Caused by: java.net.BindException: Cannot assign requested address
	at sun.nio.ch.Net.bind0(Native Method)`,
    says: 'broken-config! java.net.BindException: Cannot assign requested address',
  },
  {
    of: 'RBAC',
    log: `E0512 09:57:58.000000       1 reflector.go:150] pkg/mod/k8s.io/client-go/tools/cache/reflector.go:229: Failed to watch *v1.ConfigMap: configmaps is forbidden: User "system:serviceaccount:shop:operator" cannot list resource "configmaps" in API group "" at the cluster scope
E0512 09:58:58.000000       1 main.go:70] "unable to start manager" err="failed to wait for caches to sync: timed out"`,
    says: 'forbidden! pkg/mod/k8s.io/client-go/tools/cache/reflector.go:229: Failed to watch *v1.ConfigMap: configmaps is forbidden: User "system:serviceaccount:shop:operator" cannot list resource "configmaps" in API group "" at the cluster scope',
  },
  {
    of: 'log lines of containerd with times of their own',
    log: `2026-01-10T17:02:57.070732391+08:00 stderr F 2026-01-10 09:02:57,070 ERROR [main] com.shop.Db - Access denied for user 'shop'@'10.0.0.7' (using password: YES)
2026-01-10T17:02:57.070753323+08:00 stderr F 2026-01-10 09:02:57,071 INFO [main] com.shop.Db - stopping`,
    says: "login-refused! Access denied for user 'shop'@'10.0.0.7' (using password: YES)",
  },
];

/** Programs that do not say why they end: nothing is made up. */
const silent: readonly Row[] = [
  { of: 'an empty log', log: '', says: null },
  { of: 'a start and nothing else', log: 'starting\nlistening on :8080\n', says: null },
  {
    of: 'a line of the pool before the end of the log',
    log: '2026-03-17 02:50:33.821  INFO 1 --- [           main] com.zaxxer.hikari.HikariDataSource       : HikariPool-1 - Starting...\n',
    says: null,
  },
  {
    of: 'counts of nothing',
    log: 'scan done: errors=0 failed: 0 critical=0, 0 warnings\nno errors found\n',
    says: null,
  },
  { of: 'error=null', log: 'done, error=null\n', says: null },
  {
    of: 'answers to clients',
    log: 'GET /cart 500 12ms\n10.0.0.1 - - [12/May/2026:09:57:58 +0000] "GET /x HTTP/1.1" 502 157 "-" "curl"\nFATAL:  the database system is starting up\nFATAL:  password authentication failed for user "app"\n',
    says: null,
  },
  {
    of: 'clients that went away',
    log: 'Error: client 10.1.2.3 closed the connection early (ignored)\nwrite tcp 10.0.0.1:80: write: broken pipe\n2026/05/12 09:57:58 http: TLS handshake error from 10.0.0.1:5: EOF\n',
    says: null,
  },
  {
    of: 'the noise of an orderly end',
    log: 'received SIGTERM, shutting down\nFATAL: listener closed\naccept tcp [::]:80: use of closed network connection\nhttp: Server closed\nbye\n',
    says: null,
  },
  {
    of: 'a help text',
    log: 'Usage: app [OPTIONS]\n\nOptions:\n  --fail-on-error   exit with an error\n  --timeout <S>     request timed out after\n',
    says: null,
  },
  {
    of: 'an end by a signal has no last words',
    log: 'ERROR could not reach cache:6379: connection refused\nFATAL: x\n',
    exit: 137,
    says: null,
  },
  { of: 'SIGTERM neither', log: 'ERROR disk /data is full\n', exit: 143, says: null },
  {
    of: 'exit 0 was meant',
    log: 'WARN cannot reach telemetry.example.com\nERROR retry later\ndone\n',
    exit: 0,
    says: null,
  },
  {
    of: 'a deprecation',
    log: '(node:1) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.\n',
    says: null,
  },
  {
    of: 'retries that succeeded',
    log: 'connection refused, retrying\nfailed to connect to broker:9092, will try again\nconnected to broker:9092\nserver started\n',
    says: null,
  },
  {
    of: 'names with error in them',
    log: 'loading error_handler, error_page and the error-reporting module\nok\n',
    says: null,
  },
];

describe('last words', () => {
  test.each(endings)('$of', ({ log, exit, says }) => {
    expect(told(log, exit)).toBe(says);
  });

  test.each(silent)('nothing is made up: $of', ({ log, exit, says }) => {
    expect(told(log, exit)).toBe(says);
  });

  test.each([
    ['2026-05-12T08:00:02.000Z', 'refused! dial tcp 10.0.0.9:5432: connect: connection refused'],
    ['2026-05-12T08:05:00.000Z', 'refused dial tcp 10.0.0.9:5432: connect: connection refused'],
    ['2026-05-12T08:13:00.000Z', null],
  ])('what was said before an end at %s', (finishedAt, says) => {
    const log = '2026-05-12T08:00:00Z ERROR dial tcp 10.0.0.9:5432: connect: connection refused\n';
    expect(told(log, 1, finishedAt)).toBe(says);
  });

  test('an exception that the program survived is not its end', () => {
    const log = `Traceback (most recent call last):\n  File "x.py", line 1, in f\nKeyError: 'A_B'\n${'tick\n'.repeat(60)}`;
    expect(told(log)).toBeNull();
  });

  test('repeats are counted', () => {
    const log = 'ERROR dial tcp 10.0.0.9:5432: connection refused (1)\n'.repeat(7);
    expect(lastWords(readLog(log), { exitCode: 1, finishedAt: null })?.count).toBe(7);
  });
});

test('a complaint of a program that runs: the newest that says something', () => {
  const log = `INFO listening
ERROR cannot reach db:5432: connection refused
GET /ready 503
ERROR cannot reach cache:6379: connection refused`;
  expect(complaint(readLog(log))).toMatchObject({
    text: 'cannot reach cache:6379: connection refused',
    certain: false,
  });
  expect(complaint(readLog('INFO listening\nGET / 200 1ms\n'))).toBeNull();
});

describe('when something was said', () => {
  const end = '2026-01-01T12:00:00Z';
  const log = (time: string) => `${time} ERROR cannot open /etc/app/settings.yaml: no such file or directory\n`;

  test('with a zone: hours before the end it was survived, whatever the minutes', () => {
    expect(told(log('2026-01-01T11:59:55Z'), 1, end)).toContain('settings.yaml');
    expect(told(log('2026-01-01T13:59:55+02:00'), 1, end)).toContain('settings.yaml');
    expect(told(log('2026-01-01T08:59:55Z'), 1, end)).toBeNull();
    expect(told(log('2026-01-01 08:59:55 UTC'), 1, end)).toBeNull();
    // A log of the run after it.
    expect(told(log('2026-01-01T12:03:00Z'), 1, end)).toContain('settings.yaml');
  });

  test('without a zone it may be hours away', () => {
    expect(told(log('2026-01-01 07:59:55'), 1, end)).toContain('settings.yaml');
    expect(told(log('2026-01-01 07:45:00'), 1, end)).toBeNull();
  });
});
