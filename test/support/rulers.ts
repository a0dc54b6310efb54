import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import type { Cleanup } from './cleanup.ts';
import { findProgram, runPrometheus } from './monitoring.ts';
import { freePort, startProcess, waitForHttp } from './processes.ts';

// Programs that evaluate alerting rules and post alerts to Alertmanager's API v2, where our server takes its place.

export interface Ruler {
  /** The pods that are down, as the ruler sees with its next look. */
  setDown(pods: readonly string[]): void;
}

export interface RulerOptions {
  /** The address of an Alertmanager. */
  readonly url: string;
  readonly token: string;
}

export const rulers = {
  Prometheus: startPrometheus,
  vmalert: startVmalert,
} as const satisfies Readonly<Record<string, (cleanup: Cleanup, options: RulerOptions) => Promise<Ruler>>>;
export type RulerName = keyof typeof rulers;

/** The version that an installed program tells of itself. */
export function versionOf(name: RulerName): string {
  const { stdout, stderr } = spawnSync(findProgram(name) ?? '', ['--version'], { encoding: 'utf8' });
  return /\d+\.\d+\.\d+/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown';
}

/** With what encoders write in different ways: quotes, line breaks, markup, other scripts. */
const rules = `
groups:
  - name: pods
    rules:
      - alert: PodDown
        expr: test_down == 1
        labels: { severity: critical }
        annotations:
          summary: 'Pod "{{ $labels.pod }}" is down'
          description: "{{ $labels.pod }} <b>&</b> \\\\o/ 東京\\n\\tsecond line"
          runbook_url: https://runbooks.example/pods?a=1&b=2
`;

const series = (pod: string) => ({ namespace: 'shop', pod, instance: 'exporter', job: 'pods' });

/** What rulers look at: metrics for a scrape, and an API of queries. */
async function startMetrics(cleanup: Cleanup) {
  let down: readonly string[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/metrics') {
      const lines = down.map((pod) => {
        const pairs = Object.entries(series(pod)).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
        return `test_down{${pairs.join(',')}} 1\n`;
      });
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(lines.join(''));
      return;
    }
    const value = [Math.floor(Date.now() / 1000), '1'];
    const result = down.map((pod) => ({ metric: { __name__: 'test_down', ...series(pod) }, value }));
    const answer = { status: 'success', data: { resultType: 'vector', result } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return {
    port: (server.address() as AddressInfo).port,
    setDown: (pods: readonly string[]) => void (down = pods),
  };
}

async function startPrometheus(cleanup: Cleanup, { url, token }: RulerOptions): Promise<Ruler> {
  const { port, setDown } = await startMetrics(cleanup);
  const { host, pathname } = new URL(url);
  const alertmanager = `{path_prefix: ${pathname}, authorization: {credentials: ${token}}, static_configs: [{targets: ['${host}']}]}`;
  await runPrometheus(cleanup, cleanup.temporaryFolder('prometheus'), {
    metricPort: port,
    rules,
    alertmanager,
    // On a busy machine a scrape takes more than half a second, and what is sent comes more than two seconds later.
    every: '2s',
    flags: [
      '--web.external-url=http://prometheus.example:9090',
      '--web.route-prefix=/',
      '--rules.alert.resend-delay=0s',
    ],
  });
  return { setDown };
}

async function startVmalert(cleanup: Cleanup, { url, token }: RulerOptions): Promise<Ruler> {
  const { port, setDown } = await startMetrics(cleanup);
  const folder = cleanup.temporaryFolder('vmalert');
  writeFileSync(join(folder, 'rules.yml'), rules);
  const address = `127.0.0.1:${await freePort()}`;
  const command = findProgram('vmalert');
  if (command === null) throw new Error('vmalert not found');
  const program = startProcess(command, [
    `-rule=${join(folder, 'rules.yml')}`,
    `-datasource.url=http://127.0.0.1:${port}`,
    `-notifier.url=${url}`,
    `-notifier.bearerToken=${token}`,
    '-external.url=http://vmalert.example:8880',
    '-evaluationInterval=2s',
    `-httpListenAddr=${address}`,
  ]);
  cleanup.defer(() => program.stop(3000));
  await waitForHttp(program, `http://${address}/health`);
  return { setDown };
}
