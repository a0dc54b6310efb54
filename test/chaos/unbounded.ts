// The server without the bounds of what waits in memory, for the control run of the overload test.
//   node test/chaos/unbounded.ts serve --resources DIR --db FILE --listen HOST:PORT
import { noReaders } from '../../src/app/readers.ts';
import { noModelDefaults } from '../../src/agent/models/choose.ts';
import { keepEverything } from '../../src/core/retention.ts';
import { parseArgs } from 'node:util';
import { createApp } from '../../src/app/createApp.ts';
import type { AppLimits } from '../../src/app/app.ts';
import { createLog } from '../../src/lib/log.ts';

const most = Number.MAX_SAFE_INTEGER;
const unbounded: AppLimits = {
  server: { maxWebhooks: most, maxWebhookBytes: most, acceptTimeoutMs: 600_000 },
  intake: { maxNotifications: most, maxAlerts: most, maxLength: most, maxWaitMs: most },
  queue: { maxWaiting: most, maxWaitMs: most },
};

const { values } = parseArgs({
  allowPositionals: true,
  options: { resources: { type: 'string' }, db: { type: 'string' }, listen: { type: 'string' } },
});
const log = await createLog({ level: 'info', format: 'json' });
const app = await createApp(
  {
    resources: values.resources ?? '',
    database: values.db ?? '',
    token: null,
    host: '127.0.0.1',
    port: Number(values.listen?.split(':').at(-1)),
    operator: null,
    dump: null,
    kubeconfig: null,
    context: null,
    clusterName: null,
    secretsDirectory: null,
    publicUrl: null,
    allowExec: false,
    mcpCommands: [],
    allowInsecureSources: false,
    allowMcpStart: false,
    tls: null,
    destinations: { allowPrivate: true },
    models: noModelDefaults,
    modelPrices: null,
    concurrency: 8,
    drainMs: 25_000,
    modelBudget: null,
    readers: noReaders,
    telemetry: null,
    retention: keepEverything,
  },
  { log, writeStdout: () => undefined, limits: unbounded },
);
log.info({ url: app.url }, 'ready');
process.once('SIGTERM', () => void app.stop().then(() => process.exit(0)));
