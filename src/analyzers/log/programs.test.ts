import { expect, test } from 'vitest';
import { readLog } from './records.ts';
import { lastWords } from './telling.ts';

/** Last words of many programs, as they write them: the kind, `!` where it is sure, and the line. */
const programs: readonly {
  readonly of: string;
  readonly exit: number;
  readonly log: string;
  readonly says: string | null;
}[] = [
  {
    of: 'Vault',
    exit: 1,
    log: `==> Vault server configuration:
error loading configuration from /vault/config/vault.hcl: At 3:12: literal not terminated
`,
    says: `broken-config! ==> Vault server configuration: error loading configuration from /vault/config/vault.hcl: At 3:12: literal not terminated`,
  },
  {
    of: 'Grafana: its database',
    exit: 1,
    log: `logger=settings t=2026-05-12T09:57:57.1Z level=info msg="Starting Grafana" version=10.4
Error: ✗ failed to connect to database: failed to ping database: dial tcp: lookup postgres on 10.96.0.10:53: no such host
`,
    says: `unresolved! Error: ✗ failed to connect to database: failed to ping database: dial tcp: lookup postgres on 10.96.0.10:53: no such host`,
  },
  {
    of: 'Grafana: its volume',
    exit: 1,
    log: `GF_PATHS_DATA='/var/lib/grafana' is not writable.
You may have issues with file permissions, more information here: http://docs.grafana.org/installation/docker/#migrate-to-v51-or-later
mkdir: can't create directory '/var/lib/grafana/plugins': Permission denied
`,
    says: `permission! mkdir: can't create directory '/var/lib/grafana/plugins': Permission denied`,
  },
  {
    of: 'Elasticsearch',
    exit: 78,
    log: `{"@timestamp":"2026-05-12T09:57:58.000Z", "log.level": "INFO", "message":"starting ..."}
ERROR: [1] bootstrap checks failed. You must address the points described in the following [1] lines before starting Elasticsearch.
bootstrap check failure [1] of [1]: max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]
ERROR: Elasticsearch did not exit normally - check the logs at /usr/share/elasticsearch/logs/docker-cluster.log
`,
    says: `open-files! bootstrap check failure [1] of [1]: max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]`,
  },
  {
    of: 'RabbitMQ',
    exit: 1,
    log: `2026-05-12 09:57:58.123 [error] <0.9.0> 
2026-05-12 09:57:58.123 [error] <0.9.0> BOOT FAILED
2026-05-12 09:57:58.123 [error] <0.9.0> ===========
2026-05-12 09:57:58.123 [error] <0.9.0> Error during startup: {error,{schema_integrity_check_failed,[{table_missing,rabbit_listener}]}}
Kernel pid terminated (application_controller) ({application_start_failure,rabbit,{bad_return,...
`,
    says: `- Error during startup: {error,{schema_integrity_check_failed,[{table_missing,rabbit_listener}]}}`,
  },
  {
    of: 'MongoDB: a read-only volume',
    exit: 100,
    log: `{"t":{"$date":"2026-05-12T09:57:58.000+00:00"},"s":"I","c":"CONTROL","id":23285,"ctx":"main","msg":"Automatically disabling TLS 1.0"}
{"t":{"$date":"2026-05-12T09:57:58.100+00:00"},"s":"E","c":"STORAGE","id":20557,"ctx":"initandlisten","msg":"DBException in initAndListen, terminating","attr":{"error":"IllegalOperation: Attempted to create a lock file on a read-only directory: /data/db"}}
{"t":{"$date":"2026-05-12T09:57:58.101+00:00"},"s":"I","c":"CONTROL","id":23138,"ctx":"initandlisten","msg":"Shutting down","attr":{"exitCode":100}}
`,
    says: `read-only! DBException in initAndListen, terminating: IllegalOperation: Attempted to create a lock file on a read-only directory: /data/db`,
  },
  {
    of: 'MongoDB: an owner',
    exit: 14,
    log: `{"t":{"$date":"2026-05-12T09:57:58.100+00:00"},"s":"E","c":"STORAGE","id":22435,"ctx":"initandlisten","msg":"WiredTiger error","attr":{"error":13,"message":"[1778579878:100][1:0x7f], connection: __posix_open_file, 808: /data/db/WiredTiger.wt: handle-open: open: Operation not permitted"}}
{"t":{"$date":"2026-05-12T09:57:58.101+00:00"},"s":"F","c":"-","id":23089,"ctx":"initandlisten","msg":"Fatal assertion","attr":{"msgid":50853,"file":"src/mongo/db/storage/wiredtiger/wiredtiger_util.cpp","line":596}}
{"t":{"$date":"2026-05-12T09:57:58.101+00:00"},"s":"F","c":"-","id":23090,"ctx":"initandlisten","msg":"\\n\\n***aborting after fassert() failure\\n\\n"}
`,
    says: `permission! WiredTiger error: [1778579878:100][1:0x7f], connection: __posix_open_file, 808: /data/db/WiredTiger.wt: handle-open: open: Operation not permitted`,
  },
  {
    of: 'etcd',
    exit: 1,
    log: `{"level":"info","ts":"2026-05-12T09:57:57.000Z","caller":"etcdmain/etcd.go:73","msg":"Running: ","args":["etcd","--name=a"]}
{"level":"warn","ts":"2026-05-12T09:57:58.000Z","caller":"etcdmain/etcd.go:146","msg":"failed to start etcd","error":"error validating peerURLs {ClusterID:1}: member count is unequal"}
{"level":"fatal","ts":"2026-05-12T09:57:58.100Z","caller":"etcdmain/etcd.go:204","msg":"discovery failed","error":"error validating peerURLs {ClusterID:1}: member count is unequal","stacktrace":"go.etcd.io/etcd/server/v3/etcdmain.startEtcdOrProxyV2\\n\\t/x.go:204"}
`,
    says: `-! discovery failed: error validating peerURLs {ClusterID:1}: member count is unequal`,
  },
  {
    of: 'logrus',
    exit: 20,
    log: `time="2026-05-12T09:57:57Z" level=info msg="argocd-application-controller v2.9"
time="2026-05-12T09:57:58Z" level=fatal msg="configmap \\"argocd-cm\\" not found"
`,
    says: `-! configmap "argocd-cm" not found`,
  },
  {
    of: 'Envoy',
    exit: 1,
    log: `[2026-05-12 09:57:57.100][1][info][main] [source/server/server.cc:404] initializing epoch 0
[2026-05-12 09:57:58.100][1][critical][main] [source/server/server.cc:131] error initializing config '  /etc/envoy/envoy.yaml': Protobuf message (type envoy.config.bootstrap.v3.Bootstrap reason INVALID_ARGUMENT) has unknown fields
[2026-05-12 09:57:58.101][1][info][main] [source/server/server.cc:972] exiting
`,
    says: `unknown-option! error initializing config ' /etc/envoy/envoy.yaml': Protobuf message (type envoy.config.bootstrap.v3.Bootstrap reason INVALID_ARGUMENT) has unknown fields`,
  },
  {
    of: 'HAProxy',
    exit: 1,
    log: `[NOTICE]   (1) : haproxy version is 2.8.3
[ALERT]    (1) : config : [/usr/local/etc/haproxy/haproxy.cfg:22] : 'server web/s1' : could not resolve address 'web-backend'.
[ALERT]    (1) : config : Failed to initialize server(s) addr.
`,
    says: `unresolved! (1) : config : [/usr/local/etc/haproxy/haproxy.cfg:22] : 'server web/s1' : could not resolve address 'web-backend'.`,
  },
  {
    of: 'Apache',
    exit: 1,
    log: `AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using 10.244.1.5. Set the 'ServerName' directive globally to suppress this message
(13)Permission denied: AH00072: make_sock: could not bind to address [::]:80
(13)Permission denied: AH00072: make_sock: could not bind to address 0.0.0.0:80
no listening sockets available, shutting down
AH00015: Unable to open logs
`,
    says: `permission! (13)Permission denied: AH00072: make_sock: could not bind to address 0.0.0.0:80`,
  },
  {
    of: 'Tomcat',
    exit: 1,
    log: `12-May-2026 09:57:58.123 SEVERE [main] org.apache.catalina.core.StandardService.initInternal Failed to initialize connector [Connector["http-nio-8080"]]
	org.apache.catalina.LifecycleException: Protocol handler initialization failed
		at org.apache.catalina.connector.Connector.initInternal(Connector.java:1011)
	Caused by: java.net.BindException: Address already in use
		at java.base/sun.nio.ch.Net.bind0(Native Method)
`,
    says: `port-in-use! java.net.BindException: Address already in use`,
  },
  {
    of: 'Quarkus',
    exit: 1,
    log: `2026-05-12 09:57:58,123 ERROR [io.qua.run.Application] (main) Failed to start application (with profile [prod]): java.lang.RuntimeException: Failed to start quarkus
	at io.quarkus.runner.ApplicationImpl.doStart(Unknown Source)
Caused by: io.smallrye.config.ConfigValidationException: Configuration validation failed:
	java.util.NoSuchElementException: SRCFG00014: The config property payment.url is required but it could not be found in any config source
	at io.smallrye.config.ConfigMappingProvider.mapConfiguration(ConfigMappingProvider.java:123)
`,
    says: `missing-setting! java.util.NoSuchElementException: SRCFG00014: The config property payment.url is required but it could not be found in any config source`,
  },
  {
    of: 'Flyway',
    exit: 1,
    log: `ERROR: Migration V12__add_index.sql failed
-----------------------------------
SQL State  : 42P01
Error Code : 0
Message    : ERROR: relation "orders" does not exist
Location   : db/migration/V12__add_index.sql
Line       : 1
`,
    says: `missing-database! relation "orders" does not exist`,
  },
  {
    of: 'Celery',
    exit: 1,
    log: `[2026-05-12 09:57:50,000: ERROR/MainProcess] consumer: Cannot connect to amqp://guest:**@rabbitmq:5672//: [Errno 111] Connection refused.
Will retry in 2.00 seconds... (1/100)
[2026-05-12 09:57:55,000: INFO/MainProcess] Connected to amqp://guest:**@rabbitmq:5672//
[2026-05-12 09:57:58,000: CRITICAL/MainProcess] Unrecoverable error: AttributeError("'NoneType' object has no attribute 'queue'")
Traceback (most recent call last):
  File "/usr/lib/python3/celery/worker/worker.py", line 203, in start
    self.blueprint.start(self)
AttributeError: 'NoneType' object has no attribute 'queue'
`,
    says: `program-error! AttributeError: 'NoneType' object has no attribute 'queue'`,
  },
  {
    of: 'Uvicorn',
    exit: 3,
    log: `INFO:     Started server process [1]
INFO:     Waiting for application startup.
ERROR:    Traceback (most recent call last):
  File "/usr/lib/python3/starlette/routing.py", line 671, in lifespan
    async with self.lifespan_context(app):
asyncpg.exceptions.InvalidPasswordError: password authentication failed for user "app"

ERROR:    Application startup failed. Exiting.
`,
    says: `login-refused! asyncpg.exceptions.InvalidPasswordError: password authentication failed for user "app"`,
  },
  {
    of: 'gunicorn',
    exit: 3,
    log: `[2026-05-12 09:57:57 +0000] [7] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "/usr/lib/python3/gunicorn/arbiter.py", line 609, in spawn_worker
    worker.init_process()
ModuleNotFoundError: No module named 'shop.wsgi'
[2026-05-12 09:57:57 +0000] [7] [INFO] Worker exiting (pid: 7)
[2026-05-12 09:57:58 +0000] [1] [ERROR] Worker (pid:7) exited with code 3
[2026-05-12 09:57:58 +0000] [1] [ERROR] Shutting down: Master
[2026-05-12 09:57:58 +0000] [1] [ERROR] Reason: Worker failed to boot.
`,
    says: `missing-file! ModuleNotFoundError: No module named 'shop.wsgi'`,
  },
  {
    of: 'Puma',
    exit: 1,
    log: `[1] Puma starting in cluster mode...
/usr/local/bundle/gems/activerecord-7.0/lib/active_record/connection_adapters/postgresql_adapter.rb:87:in \`rescue in new_client': could not connect to server: Connection refused (ActiveRecord::ConnectionNotEstablished)
	Is the server running on host "db" (10.96.3.4) and accepting
	TCP/IP connections on port 5432?
	from /usr/local/bundle/gems/x.rb:77:in \`new_client'
`,
    says: `refused! ActiveRecord::ConnectionNotEstablished: could not connect to server: Connection refused`,
  },
  {
    of: 'Bundler',
    exit: 1,
    log: `bundler: failed to load command: puma (/usr/local/bundle/bin/puma)
/usr/local/lib/ruby/3.2.0/bundler/definition.rb:524:in \`materialize': Could not find nokogiri-1.15.4 in locally installed gems (Bundler::GemNotFound)
	from /usr/local/lib/ruby/3.2.0/bundler/definition.rb:197:in \`specs'
`,
    says: `missing-file! Bundler::GemNotFound: Could not find nokogiri-1.15.4 in locally installed gems`,
  },
  {
    of: 'Next.js',
    exit: 1,
    log: `   ▲ Next.js 14.1.0
 ⨯ Failed to start server
Error: listen EACCES: permission denied 0.0.0.0:80
    at Server.setupListenHandle [as _listen2] (node:net:1800:21)
`,
    says: `permission! Error: listen EACCES: permission denied 0.0.0.0:80`,
  },
  {
    of: 'Prisma',
    exit: 1,
    log: `Prisma schema loaded from prisma/schema.prisma
Datasource "db": PostgreSQL database "app", schema "public" at "postgres:5432"

Error: P1001: Can't reach database server at \`postgres\`:\`5432\`

Please make sure your database server is running at \`postgres\`:\`5432\`.
`,
    says: `unreachable! Error: P1001: Can't reach database server at \`postgres\`:\`5432\``,
  },
  {
    of: 'a check of the environment',
    exit: 1,
    log: `❌ Invalid environment variables: { API_KEY: [ 'Required' ] }
/app/env.js:12
  throw new Error('Invalid environment variables');
  ^

Error: Invalid environment variables
    at Object.<anonymous> (/app/env.js:12:9)

Node.js v20.0.0
`,
    says: `missing-variable! ❌ Invalid environment variables: { API_KEY: [ 'Required' ] }`,
  },
  {
    of: 'controller-runtime',
    exit: 1,
    log: `2026-05-12T09:57:57.000Z	INFO	setup	starting manager
2026-05-12T09:57:58.000Z	ERROR	setup	unable to create controller	{"controller": "Widget", "error": "no matches for kind \\"Widget\\" in version \\"example.com/v1\\""}
main.main
	/workspace/main.go:112
runtime.main
	/usr/local/go/src/runtime/proc.go:250
`,
    says: `missing-definition! unable to create controller {"controller": "Widget", "error": "no matches for kind \\"Widget\\" in version \\"example.com/v1\\""}`,
  },
  {
    of: 'Go: a fatal error of the runtime',
    exit: 2,
    log: `fatal error: concurrent map writes

goroutine 34 [running]:
main.(*Cache).Set(0xc000010030, {0x4b0f5c, 0x3})
	/src/cache.go:31 +0x5c
created by main.main in goroutine 1
	/src/main.go:20 +0x85
`,
    says: `program-error! fatal error: concurrent map writes (in main.(*Cache).Set, /src/cache.go:31)`,
  },
  {
    of: 'Go: a panic with an error',
    exit: 2,
    log: `panic: dial tcp 10.96.14.2:5432: connect: connection refused

goroutine 1 [running]:
github.com/acme/shop/db.MustOpen(...)
	/go/src/github.com/acme/shop/db/db.go:22
main.main()
	/go/src/github.com/acme/shop/main.go:14 +0x1d
`,
    says: `refused! panic: dial tcp 10.96.14.2:5432: connect: connection refused (in github.com/acme/shop/db.MustOpen, /go/src/github.com/acme/shop/db/db.go:22)`,
  },
  {
    of: 'Go: no memory',
    exit: 2,
    log: `runtime: out of memory: cannot allocate 4194304-byte block (260046848 in use)
fatal error: out of memory

goroutine 1 [running]:
runtime.throw({0x4b0f5c, 0xd})
	/usr/local/go/src/runtime/panic.go:1047 +0x5d
main.grow()
	/src/main.go:9 +0x1d
`,
    says: `memory! fatal error: out of memory (in main.grow, /src/main.go:9)`,
  },
  {
    of: 'Rust with tracing',
    exit: 1,
    log: `2026-05-12T09:57:57.123456Z  INFO shop: starting
2026-05-12T09:57:58.123456Z ERROR shop: failed to run migrations: error returned from database: password authentication failed for user "shop"
Error: Database(PgDatabaseError { severity: Fatal, code: "28P01", message: "password authentication failed for user \\"shop\\"" })
`,
    says: `login-refused! shop: failed to run migrations: error returned from database: password authentication failed for user "shop"`,
  },
  {
    of: 'clap',
    exit: 2,
    log: `error: the following required arguments were not provided:
  --listen <ADDR>

Usage: shop --listen <ADDR>

For more information, try '--help'.
`,
    says: `missing-setting! error: the following required arguments were not provided: --listen <ADDR>`,
  },
  {
    of: '.NET: a file',
    exit: 139,
    log: `Unhandled exception. System.IO.FileNotFoundException: The configuration file 'appsettings.Production.json' was not found and is not optional. The expected physical path was '/app/appsettings.Production.json'.
   at Microsoft.Extensions.Configuration.FileConfigurationProvider.HandleException(ExceptionDispatchInfo info)
   at Program.<Main>$(String[] args) in /src/Program.cs:line 3
`,
    says: `missing-file! Unhandled exception. System.IO.FileNotFoundException: The configuration file 'appsettings.Production.json' was not found and is not optional. The expected physical path was '/app/appsettings.Production.json'.`,
  },
  {
    of: 'Kestrel',
    exit: 134,
    log: `crit: Microsoft.AspNetCore.Server.Kestrel[0]
      Unable to start Kestrel.
      System.Net.Sockets.SocketException (13): Permission denied
         at System.Net.Sockets.Socket.UpdateStatusAfterSocketErrorAndThrowException(SocketError error, Boolean disconnectOnFailure, String callerName)
Unhandled exception. System.Net.Sockets.SocketException (13): Permission denied
   at System.Net.Sockets.Socket.Bind(EndPoint localEP)
`,
    says: `permission! Unhandled exception. System.Net.Sockets.SocketException (13): Permission denied`,
  },
  {
    of: '.NET: another version',
    exit: 150,
    log: `You must install or update .NET to run this application.

App: /app/shop.dll
Architecture: x64
Framework: 'Microsoft.NETCore.App', version '8.0.0' (x64)
`,
    says: `missing-file! You must install or update .NET to run this application.`,
  },
  {
    of: 'java -jar',
    exit: 1,
    log: `Error: Unable to access jarfile /app/app.jar
`,
    says: `missing-file! Error: Unable to access jarfile /app/app.jar`,
  },
  {
    of: 'a class that is not there',
    exit: 1,
    log: `Error: Could not find or load main class com.shop.Main
Caused by: java.lang.ClassNotFoundException: com.shop.Main
`,
    says: `missing-file! java.lang.ClassNotFoundException: com.shop.Main`,
  },
  {
    of: 'an option of the JVM',
    exit: 1,
    log: `Unrecognized VM option 'MaxPermSize=256m'
Error: Could not create the Java Virtual Machine.
Error: A fatal exception has occurred. Program will exit.
`,
    says: `unknown-option! Unrecognized VM option 'MaxPermSize=256m'`,
  },
  {
    of: 'a heap that does not fit',
    exit: 1,
    log: `Error occurred during initialization of VM
Could not reserve enough space for 4194304KB object heap
`,
    says: `memory! Could not reserve enough space for 4194304KB object heap`,
  },
  {
    of: 'ExitOnOutOfMemoryError',
    exit: 3,
    log: `2026-05-12 09:57:00.000  INFO 1 --- [nio-8080-exec-1] c.s.OrderController : order 4
Terminating due to java.lang.OutOfMemoryError: Java heap space
`,
    says: `memory! Terminating due to java.lang.OutOfMemoryError: Java heap space`,
  },
  {
    of: 'Perl',
    exit: 2,
    log: `Can't locate DBI.pm in @INC (you may need to install the DBI module) at /app/x.pl line 3.
BEGIN failed--compilation aborted at /app/x.pl line 3.
`,
    says: `missing-file! Can't locate DBI.pm in @INC (you may need to install the DBI module) at /app/x.pl line 3.`,
  },
  {
    of: 'bash with set -u',
    exit: 1,
    log: `/app/run.sh: line 4: API_TOKEN: unbound variable
`,
    says: `missing-variable! /app/run.sh: line 4: API_TOKEN: unbound variable`,
  },
  {
    of: 'a parameter of the shell',
    exit: 2,
    log: `/docker-entrypoint.sh: 7: DB_HOST: parameter not set or null
`,
    says: `missing-variable! /docker-entrypoint.sh: 7: DB_HOST: parameter not set or null`,
  },
  {
    of: 'a script that may not be run',
    exit: 126,
    log: `/bin/sh: 1: /app/run.sh: Permission denied
`,
    says: `permission! /bin/sh: 1: /app/run.sh: Permission denied`,
  },
  {
    of: 'a library that is not there',
    exit: 127,
    log: `./server: error while loading shared libraries: libpq.so.5: cannot open shared object file: No such file or directory
`,
    says: `missing-file! ./server: error while loading shared libraries: libpq.so.5: cannot open shared object file: No such file or directory`,
  },
  {
    of: 'tini',
    exit: 127,
    log: `[FATAL tini (7)] exec /app/start.sh failed: No such file or directory
`,
    says: `missing-file! [FATAL tini (7)] exec /app/start.sh failed: No such file or directory`,
  },
  {
    of: 'Consul',
    exit: 1,
    log: `==> Failed to start Consul agent: Failed to start lan serf: Failed to create memberlist: Could not set up network transport: failed to obtain an address: Failed to start TCP listener on "10.1.2.3" port 8301: listen tcp 10.1.2.3:8301: bind: cannot assign requested address
`,
    says: `broken-config! ==> Failed to start Consul agent: Failed to start lan serf: Failed to create memberlist: Could not set up network transport: failed to obtain an address: Failed to start TCP listener on "10.1.2.3" port 8301: listen tcp 10.1.2.3:8301: bind: cannot assign requested address`,
  },
  {
    of: 'ZooKeeper',
    exit: 2,
    log: `2026-05-12 09:57:58,123 [myid:] - ERROR [main:QuorumPeerMain@98] - Invalid config, exiting abnormally
org.apache.zookeeper.server.quorum.QuorumPeerConfig$ConfigException: Address unresolved: zk-2.zk:3888
	at org.apache.zookeeper.server.quorum.QuorumPeer$QuorumServer.<init>(QuorumPeer.java:281)
`,
    says: `broken-config! org.apache.zookeeper.server.quorum.QuorumPeerConfig$ConfigException: Address unresolved: zk-2.zk:3888`,
  },
  {
    of: 'Kafka',
    exit: 1,
    log: `[2026-05-12 09:57:58,001] ERROR Fatal error during KafkaServer startup. Prepare to shutdown (kafka.server.KafkaServer)
kafka.common.InconsistentClusterIdException: The Cluster ID abc doesn't match stored clusterId Some(def) in meta.properties. The broker is trying to join the wrong cluster. Configured zookeeper.connect may be wrong.
	at kafka.server.KafkaServer.startup(KafkaServer.scala:230)
[2026-05-12 09:57:58,010] INFO shutting down (kafka.server.KafkaServer)
[2026-05-12 09:57:58,100] ERROR Exiting Kafka. (kafka.server.KafkaServerStartable)
`,
    says: `-! kafka.common.InconsistentClusterIdException: The Cluster ID abc doesn't match stored clusterId Some(def) in meta.properties. The broker is trying to join the wrong cluster. Configured zookeeper.connect may be wrong.`,
  },
  {
    of: 'Cassandra',
    exit: 3,
    log: `ERROR [main] 2026-05-12 09:57:58,000 CassandraDaemon.java:803 - Cannot start node if snitch's data center (dc1) differs from previous data center (datacenter1). Please fix the snitch configuration, decommission and rebootstrap this node or use the flag -Dcassandra.ignore_dc=true.
`,
    says: `- Cannot start node if snitch's data center (dc1) differs from previous data center (datacenter1). Please fix the snitch configuration, decommission and rebootstrap this node or use the flag -Dcassandra.ignore_dc=true.`,
  },
  {
    of: 'pgx',
    exit: 1,
    log: `2026/05/12 09:57:58 failed to connect to \`host=pg user=app database=shop\`: failed SASL auth (FATAL: password authentication failed for user "app" (SQLSTATE 28P01))
`,
    says: `login-refused! failed to connect to \`host=pg user=app database=shop\`: failed SASL auth (FATAL: password authentication failed for user "app" (SQLSTATE 28P01))`,
  },
  {
    of: 'PostgreSQL: a full disk',
    exit: 1,
    log: `2026-05-12 09:57:58.000 UTC [1] LOG:  starting PostgreSQL 16.2
2026-05-12 09:57:58.100 UTC [1] FATAL:  could not write lock file "postmaster.pid": No space left on device
2026-05-12 09:57:58.200 UTC [1] LOG:  database system is shut down
`,
    says: `disk-full! could not write lock file "postmaster.pid": No space left on device`,
  },
  {
    of: 'PostgreSQL: a damaged log',
    exit: 1,
    log: `2026-05-12 09:57:58.000 UTC [28] LOG:  invalid primary checkpoint record
2026-05-12 09:57:58.100 UTC [28] PANIC:  could not locate a valid checkpoint record
2026-05-12 09:57:58.200 UTC [1] LOG:  startup process (PID 28) was terminated by signal 6: Aborted
2026-05-12 09:57:58.200 UTC [1] LOG:  aborting startup due to startup process failure
`,
    says: `damaged-data! could not locate a valid checkpoint record`,
  },
  {
    of: 'MySQL: an unknown variable',
    exit: 1,
    log: `2026-05-12T09:57:58.000000Z 0 [ERROR] [MY-000067] [Server] unknown variable 'query_cache_size=1M'.
2026-05-12T09:57:58.100000Z 0 [ERROR] [MY-010119] [Server] Aborting
`,
    says: `unknown-option! unknown variable 'query_cache_size=1M'.`,
  },
  {
    of: 'Redis: its configuration',
    exit: 1,
    log: `1:C 12 May 2026 09:57:58.000 # Fatal error, can't open config file '/usr/local/etc/redis/redis.conf': No such file or directory
`,
    says: `missing-file! Fatal error, can't open config file '/usr/local/etc/redis/redis.conf': No such file or directory`,
  },
  {
    of: 'Redis: a directive',
    exit: 1,
    log: `
*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***
Reading the configuration file, at line 12
>>> 'requirepas secret'
Bad directive or wrong number of arguments
`,
    says: `unknown-option! Bad directive or wrong number of arguments`,
  },
  {
    of: 'boto',
    exit: 1,
    log: `botocore.exceptions.NoCredentialsError: Unable to locate credentials
`,
    says: `login-refused! botocore.exceptions.NoCredentialsError: Unable to locate credentials`,
  },
  {
    of: 'the AWS command line',
    exit: 254,
    log: `An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity
`,
    says: `denied! An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity`,
  },
  {
    of: 'klog with err',
    exit: 1,
    log: `E0512 09:57:58.000000       1 main.go:40] "error executing command" err="error building webhook server: failed to load TLS key pair: open /tls/tls.crt: no such file or directory"
`,
    says: `missing-file! error executing command: error building webhook server: failed to load TLS key pair: open /tls/tls.crt: no such file or directory`,
  },
  {
    of: 'pg_dump: too many',
    exit: 1,
    log: `Starting backup
pg_dump: error: connection to server at "pg-rw" (10.96.3.3), port 5432 failed: FATAL:  sorry, too many clients already
`,
    says: `too-many-connections! pg_dump: error: connection to server at "pg-rw" (10.96.3.3), port 5432 failed: FATAL: sorry, too many clients already`,
  },
  {
    of: 'pg_dump: a password',
    exit: 1,
    log: `pg_dump: error: connection to server at "pg-rw" (10.96.3.3), port 5432 failed: FATAL:  password authentication failed for user "backup"
`,
    says: `login-refused! pg_dump: error: connection to server at "pg-rw" (10.96.3.3), port 5432 failed: FATAL: password authentication failed for user "backup"`,
  },
  {
    of: 'curl',
    exit: 6,
    log: `curl: (6) Could not resolve host: api-internal
`,
    says: `unresolved! curl: (6) Could not resolve host: api-internal`,
  },
  {
    of: 'an assertion of C',
    exit: 134,
    log: `server: src/queue.c:88: queue_pop: Assertion \`q->head != NULL' failed.
Aborted (core dumped)
`,
    says: `program-error! server: src/queue.c:88: queue_pop: Assertion \`q->head != NULL' failed.`,
  },
  {
    of: 'nginx: a certificate file',
    exit: 1,
    log: `nginx: [emerg] open() "/etc/nginx/ssl/tls.crt" failed (2: No such file or directory)
`,
    says: `missing-file! nginx: [emerg] open() "/etc/nginx/ssl/tls.crt" failed (2: No such file or directory)`,
  },
  {
    of: 'nginx without rights',
    exit: 1,
    log: `nginx: [alert] could not open error log file: open() "/var/log/nginx/error.log" failed (13: Permission denied)
2026/05/12 09:57:58 [warn] 1#1: the "user" directive makes sense only if the master process runs with super-user privileges, ignored in /etc/nginx/nginx.conf:2
2026/05/12 09:57:58 [emerg] 1#1: mkdir() "/var/cache/nginx/client_temp" failed (13: Permission denied)
`,
    says: `permission! 1#1: mkdir() "/var/cache/nginx/client_temp" failed (13: Permission denied)`,
  },
  {
    of: 'Caddy',
    exit: 1,
    log: `{"level":"info","ts":1778579878.1,"msg":"using provided configuration"}
Error: adapting config using caddyfile: /etc/caddy/Caddyfile:12: unrecognized directive: revers_proxy
`,
    says: `unknown-option! Error: adapting config using caddyfile: /etc/caddy/Caddyfile:12: unrecognized directive: revers_proxy`,
  },
  {
    of: 'the OpenTelemetry collector',
    exit: 1,
    log: `Error: failed to get config: cannot unmarshal the configuration: 1 error(s) decoding:

* error decoding 'exporters': unknown type: "otlpp" for id: "otlpp" (valid values: [debug otlp])
2026/05/12 09:57:58 collector server run finished with error: failed to get config
`,
    says: `broken-config! Error: failed to get config: cannot unmarshal the configuration: 1 error(s) decoding: * error decoding 'exporters': unknown type: "otlpp" for id: "otlpp" (valid values: [debug otlp])`,
  },
  {
    of: 'Istio',
    exit: 1,
    log: `2026-05-12T09:57:58.123456Z	error	failed to start: failed to create discovery client: dial tcp: lookup istiod.istio-system.svc on 10.96.0.10:53: no such host
`,
    says: `unresolved! failed to start: failed to create discovery client: dial tcp: lookup istiod.istio-system.svc on 10.96.0.10:53: no such host`,
  },
  {
    of: 'Spark',
    exit: 1,
    log: `Exception in thread "main" org.apache.spark.SparkException: External scheduler cannot be instantiated
	at org.apache.spark.SparkContext$.x(SparkContext.scala:2979)
Caused by: io.fabric8.kubernetes.client.KubernetesClientException: Failure executing: GET at: https://kubernetes.default.svc/api/v1/namespaces/spark/pods/x. Message: Forbidden!Configured service account doesn't have access. Service account may have been revoked. pods "x" is forbidden: User "system:serviceaccount:spark:default" cannot get resource "pods" in API group "" in the namespace "spark".
	at io.fabric8.kubernetes.client.dsl.base.OperationSupport.x(OperationSupport.java:682)
`,
    says: `forbidden! io.fabric8.kubernetes.client.KubernetesClientException: Failure executing: GET at: https://kubernetes.default.svc/api/v1/namespaces/spark/pods/x. Message: Forbidden!Configured service account doesn't have access. Service account may have been revoked. pods "x" is forbidden: User "system:serviceaccount:spark:default" cannot get resource "pods" in API group "" in the namespace "spark".`,
  },
  {
    of: 'PyTorch',
    exit: 1,
    log: `Traceback (most recent call last):
  File "/app/train.py", line 88, in <module>
    main()
torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.78 GiB total capacity)
`,
    says: `memory! torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.78 GiB total capacity)`,
  },
  {
    of: 'a panic long after errors of a server',
    exit: 2,
    log: `2026/05/12 09:40:00 ERROR upstream orders:8080 timed out
2026/05/12 09:45:00 ERROR upstream orders:8080 timed out
2026/05/12 09:57:58 GET / 500
panic: assignment to entry in nil map

goroutine 18 [running]:
main.(*Store).Put(0x0, {0x1, 0x2})
	/src/store.go:17 +0x1d
`,
    says: `program-error! panic: assignment to entry in nil map (in main.(*Store).Put, /src/store.go:17)`,
  },
  {
    of: 'the reason below the usage',
    exit: 2,
    log: `Usage: mytool [options] <file>
mytool: error: config file /etc/mytool.conf does not exist
`,
    says: `missing-file! mytool: error: config file /etc/mytool.conf does not exist`,
  },
  {
    of: 'supervisord, which tells of its child only',
    exit: 1,
    log: `2026-05-12 09:57:57,000 INFO supervisord started with pid 1
2026-05-12 09:57:58,000 INFO spawned: 'web' with pid 9
2026-05-12 09:57:58,100 INFO exited: web (exit status 1; not expected)
2026-05-12 09:57:59,000 INFO gave up: web entered FATAL state, too many start retries too quickly
`,
    says: null,
  },
  {
    of: 'a retry, and an end that was asked for',
    exit: 1,
    log: `2026-05-12T09:57:00Z INFO ready
2026-05-12T09:57:10Z ERROR failed to sync item: conflict, will retry
2026-05-12T09:57:58Z INFO exiting: parent closed stdin
`,
    says: null,
  },
  {
    of: 'an error of a script behind the words of its logger',
    exit: 1,
    log: `[18:50:02.390] ERROR: cache adapter
    Error: getaddrinfo ENOTFOUND cache.platfrom.svc.cluster.local
        at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:122:26) {
      code: 'ENOTFOUND'
    }
`,
    says: 'unresolved! Error: getaddrinfo ENOTFOUND cache.platfrom.svc.cluster.local',
  },
  {
    of: 'the words of an error number alone beside what they are about',
    exit: 255,
    log: `[2026/08/07 10:50:00] [error] [/src/config_format/fluentbit.c:495 errno=2] No such file or directory
[2026/08/07 10:50:00] [error] file=/etc/outputs-prod.conf, message="could not open configuration file"
`,
    says: '- file=/etc/outputs-prod.conf, message="could not open configuration file"',
  },
  {
    of: 'logr: its level is how much is told, and the last try says why',
    exit: 1,
    log: `{"logger":"","ts":"2026-09-06 10:50:01.120","caller":{"file":"main.go","line":540},"level":0,"msg":"starting up"}
{"logger":"","ts":"2026-09-06 10:50:04.001","caller":{"file":"main.go","line":808},"msg":"error syncing, will retry","error":"exit status 128: the mirror says quota 7 is used up","failCount":5}
{"logger":"","ts":"2026-09-06 10:50:04.002","caller":{"file":"main.go","line":811},"msg":"too many failures, aborting","failCount":5}
`,
    says: '- error syncing, will retry: exit status 128: the mirror says quota 7 is used up',
  },
  {
    of: 'git without credentials',
    exit: 128,
    log: `fatal: could not read Username for 'https://git.example.com': terminal prompts disabled
`,
    says: "login-refused! fatal: could not read Username for 'https://git.example.com': terminal prompts disabled",
  },
  {
    of: 'a data file that another process has locked',
    exit: 1,
    log: `2026-09-09 10:50:01 0 [ERROR] InnoDB: Unable to lock ./ibdata1 error: 11
2026-09-09 10:50:04 0 [ERROR] Plugin 'InnoDB' registration as a STORAGE ENGINE failed.
2026-09-09 10:50:04 0 [ERROR] Aborting
`,
    says: 'locked! InnoDB: Unable to lock ./ibdata1 error: 11',
  },
  {
    of: 'memory that cannot be kept from being swapped is no want of memory',
    exit: 3,
    log: `WARN  [main] 2026-05-12 09:57:57,900 NativeLibrary.java:201 - Unable to lock JVM memory (ENOMEM). This can result in part of the JVM being swapped out.
ERROR [main] 2026-05-12 09:57:58,322 CassandraDaemon.java:897 - Fatal exception during initialization
org.apache.cassandra.exceptions.ConfigurationException: Saved cluster name Test Cluster != configured name feed-prod
	at org.apache.cassandra.db.SystemKeyspace.checkHealth(SystemKeyspace.java:1022)
`,
    says: '- org.apache.cassandra.exceptions.ConfigurationException: Saved cluster name Test Cluster != configured name feed-prod',
  },
  {
    of: 'the file of a failure in a field of its own',
    exit: 1,
    log: `logger=provisioning t=2026-05-12T09:57:58Z level=error msg="failed to read file" file=/etc/grafana/prom.yaml error="yaml: line 7: mapping values are not allowed in this context"
`,
    says: 'broken-config! failed to read file: yaml: line 7: mapping values are not allowed in this context (/etc/grafana/prom.yaml)',
  },
  {
    of: 'pydantic, which names each field below',
    exit: 1,
    log: `Traceback (most recent call last):
  File "/app/main.py", line 11, in <module>
    settings = Settings()
pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings
stripe_key
  Field required [type=missing, input_value={}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2.6/v/missing
`,
    says: '-! pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings: stripe_key Field required [type=missing, input_value={}, input_type=dict]',
  },
  {
    of: 'zod, which brings a list along',
    exit: 1,
    log: `ZodError: [
  {
    "path": [
      "SMTP_HOST"
    ],
    "message": "Required"
  }
]
      at /app/env.ts:2:65
`,
    says: '-! ZodError: [ { "path": [ "SMTP_HOST" ], "message": "Required" }',
  },
  {
    of: 'the box of Terraform',
    exit: 1,
    log: `Initializing the backend...
╷
│ Error: Error acquiring the state lock
│ 
│ Error message: ConditionalCheckFailedException: The conditional request failed
╵
`,
    says: '- Error: Error acquiring the state lock',
  },
  {
    of: 'what is behind a configuration that cannot be used',
    exit: 2,
    log: `2026-05-12 09:57:58,001 [myid:] - ERROR [main:QuorumPeerMain@98] - Invalid config, exiting abnormally
org.apache.zookeeper.server.quorum.QuorumPeerConfig$ConfigException: Error processing /conf/zoo.cfg
	at org.apache.zookeeper.server.quorum.QuorumPeerConfig.parse(QuorumPeerConfig.java:198)
Caused by: java.lang.IllegalArgumentException: /data/zk/myid is not there
	at org.apache.zookeeper.server.quorum.QuorumPeerConfig.checkValidity(QuorumPeerConfig.java:773)
`,
    says: '- java.lang.IllegalArgumentException: /data/zk/myid is not there',
  },
];

test.each(programs)('$of', ({ exit, log, says }) => {
  const told = lastWords(readLog(log), { exitCode: exit, finishedAt: null });
  expect(told === null ? null : `${told.kind ?? '-'}${told.certain ? '!' : ''} ${told.text}`).toBe(says);
});
