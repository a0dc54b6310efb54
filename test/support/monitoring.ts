import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { freePort, startProcess, waitForHttp } from './processes.ts';
import { waitFor } from './wait.ts';

/** Prometheus and Alertmanager with one rule, on loopback ports of their own. */
export interface Monitoring {
  /** Whether the rule fires; Prometheus sees it with its next scrape. */
  setFiring(firing: boolean): void;
  /** Sum of an Alertmanager counter of webhook notifications. */
  counter(name: string): Promise<number>;
  /** Waits until an Alertmanager counter is at least `least`. */
  waitForCounter(name: string, least: number, timeoutMs?: number): Promise<void>;
}

export interface MonitoringOptions {
  readonly webhookUrl: string;
  readonly token: string;
  readonly alertname: string;
  /** Labels of the alert beside `alertname`. */
  readonly labels: Readonly<Record<string, string>>;
}

const candidates = {
  Prometheus: [process.env['PROMETHEUS'], 'prometheus'],
  Alertmanager: [process.env['ALERTMANAGER'], 'prometheus-alertmanager', 'alertmanager'],
  Pushgateway: [process.env['PUSHGATEWAY'], 'prometheus-pushgateway', 'pushgateway'],
  vmalert: [process.env['VMALERT'], 'vmalert'],
} as const;

/** The command of a program, or null where it is not installed. */
export function findProgram(name: keyof typeof candidates): string | null {
  return (
    candidates[name].find((command) => command !== undefined && spawnSync(command, ['--version']).status === 0) ?? null
  );
}

/** Starts both. The rule fires while a metric, which we serve ourselves, is 1. */
export async function startMonitoring(cleanup: Cleanup, options: MonitoringOptions): Promise<Monitoring> {
  const folder = cleanup.temporaryFolder('monitoring');
  const metric = await serveMetric(cleanup, options.labels);
  const alertmanager = await startAlertmanager(cleanup, folder, alertmanagerYaml(options));
  await runPrometheus(cleanup, folder, {
    metricPort: metric.port,
    rules: rulesYaml(options),
    alertmanager: `static_configs: [{ targets: ['${alertmanager}'] }]`,
  });
  const counter = async (name: string) => {
    const text = await (await fetch(`http://${alertmanager}/metrics`)).text();
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes('integration="webhook"'));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  };
  return {
    setFiring: metric.setFiring,
    counter,
    async waitForCounter(name, least, timeoutMs = 30_000) {
      await waitFor(`${name} >= ${least}`, async () => (await counter(name)) >= least, { timeoutMs, everyMs: 100 });
    },
  };
}

async function serveMetric(cleanup: Cleanup, labels: Readonly<Record<string, string>>) {
  let firing = false;
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const server = createServer((_request, response) => {
    response
      .writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
      .end(`test_fault{${pairs.join(',')}} ${firing ? 1 : 0}\n`);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, setFiring: (value: boolean) => void (firing = value) };
}

/** Repeats come every 2 s: `repeat_interval` is looked at once per `group_interval`. */
function alertmanagerYaml({ webhookUrl, token }: MonitoringOptions): string {
  return `
route:
  receiver: fist
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 2s
receivers:
  - name: fist
    webhook_configs:
      - url: ${webhookUrl}
        send_resolved: true
        http_config:
          authorization: { credentials: ${token} }
`;
}

/** Starts one with this configuration, as `alertmanager.yml` in the folder. Returns host and port. */
export async function startAlertmanager(cleanup: Cleanup, folder: string, configuration: string): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(folder, 'alertmanager.yml'), configuration);
  const command = findProgram('Alertmanager');
  if (command === null) throw new Error('Alertmanager not found');
  const program = startProcess(command, [
    `--config.file=${join(folder, 'alertmanager.yml')}`,
    `--storage.path=${join(folder, 'alertmanager')}`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ]);
  cleanup.defer(() => program.stop(3000));
  await waitForHttp(program, `http://${address}/-/ready`);
  return address;
}

/** Starts one that keeps what it gets in memory. Returns host and port. */
export async function startPushgateway(cleanup: Cleanup): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const command = findProgram('Pushgateway');
  if (command === null) throw new Error('Pushgateway not found');
  const program = startProcess(command, [`--web.listen-address=${address}`, '--persistence.file=']);
  cleanup.defer(() => program.stop(3000));
  await waitForHttp(program, `http://${address}/-/ready`);
  return address;
}

/** A scrape that a busy machine has no time for is no end of the alert: what the last one found holds until the next. */
function rulesYaml({ alertname }: MonitoringOptions): string {
  return `
groups:
  - name: test
    rules:
      - alert: ${alertname}
        expr: last_over_time(test_fault[10s]) == 1
        annotations: { summary: 'Pod {{ $labels.pod }} is in trouble.' }
`;
}

export interface PrometheusOptions {
  /** Of this machine. */
  readonly metricPort: number;
  readonly rules: string;
  /** An element of `alertmanagers`, in YAML. */
  readonly alertmanager: string;
  /**
   * How often it scrapes, and evaluates its rules. A scrape that takes longer is none, so that an alert ends, and four times as long holds
   * what it sends without further news. Default: `500ms`.
   */
  readonly every?: string;
  readonly flags?: readonly string[];
}

/** Starts one with these rules. */
export async function runPrometheus(cleanup: Cleanup, folder: string, options: PrometheusOptions): Promise<void> {
  const { every = '500ms' } = options;
  const address = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(folder, 'rules.yml'), options.rules);
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `
global: { scrape_interval: ${every}, scrape_timeout: ${every}, evaluation_interval: ${every} }
rule_files: [${join(folder, 'rules.yml')}]
scrape_configs:
  - job_name: fault
    honor_labels: true
    static_configs: [{ targets: ['127.0.0.1:${options.metricPort}'] }]
alerting:
  alertmanagers:
    - ${options.alertmanager}
`,
  );
  const command = findProgram('Prometheus');
  if (command === null) throw new Error('Prometheus not found');
  const program = startProcess(command, [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'prometheus')}`,
    `--web.listen-address=${address}`,
    '--log.level=warn',
    ...(options.flags ?? []),
  ]);
  cleanup.defer(() => program.stop(3000));
  await waitForHttp(program, `http://${address}/-/ready`);
}
