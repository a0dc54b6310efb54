import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toolDefinitions } from '../../src/agent/tools/index.ts';
import { captureMetrics } from '../../src/app/capture.ts';
import { chooseAlerts } from '../../src/app/investigate.ts';
import { noReaders } from '../../src/app/readers.ts';
import type { AgentResult } from '../../src/core/finding.ts';
import type { MetricsReader } from '../../src/core/readers.ts';
import { containerUsage } from '../../src/investigation/metrics/usage.ts';
import { openDump } from '../../src/kube/dump/dump.ts';
import { createHttpClient } from '../../src/lib/http.ts';
import { createPrometheus } from '../../src/readers/prometheus.ts';
import { createCleanup } from '../support/cleanup.ts';
import { findProgram } from '../support/monitoring.ts';
import { freePort, repositoryRoot, startProcess, waitForHttp } from '../support/processes.ts';
import { runFist } from '../support/program.ts';
import { callTools, dataOf } from '../support/toolbox.ts';

const command = findProgram('Prometheus');
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const missing = command === null ? 'Prometheus' : hasPromtool ? null : 'promtool';
if (missing !== null) console.warn(`skipped: ${missing} not found`);

const cleanup = createCleanup();
const dump = `${repositoryRoot}examples/oom-crash-loop/dump`;
const alert = `${repositoryRoot}examples/oom-crash-loop/alert.json`;
const pod = { namespace: 'shop', pod: 'checkout-5577bf7884-59zsl', container: 'checkout' };
const labels = Object.entries(pod)
  .map(([name, value]) => `${name}="${value}"`)
  .join(',');

/** A case of `examples/eval` whose metrics stand in this Prometheus, too. */
const caseOf = (name: string) => `${repositoryRoot}examples/eval/${name}`;
const throttledPod = { namespace: 'pay', pod: 'checkout-59f7d6c8b4-zz9kq', container: 'checkout' };
const textOf = (of: Readonly<Record<string, string>>): string =>
  Object.entries(of)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');

/** Samples of each 15 seconds from one moment to another. */
function samples(name: string, of: object, from: string, to: string, value: (seconds: number) => number): string {
  const lines: string[] = [];
  for (let now = Date.parse(from) / 1000; now <= Date.parse(to) / 1000; now += 15)
    lines.push(`${name}{${textOf(of as never)}} ${value(now)} ${now}`);
  return lines.join('\n');
}

/**
 * Two more incidents, with counters and gauges as cAdvisor and the kubelet write them: a container that is held back by its CPU limit
 * from 10:58 on, and a volume that fills up from 19:20 on.
 */
function furtherMetrics(): readonly string[] {
  const [began, ended] = ['2026-11-21T10:43:00Z', '2026-11-21T11:30:00Z'];
  const [start, busy] = [Date.parse(began) / 1000, Date.parse('2026-11-21T10:58:00Z') / 1000];
  // Ten periods a second; of those after 10:58 six are held back.
  const held = (now: number): number => 0.4 * (Math.min(now, busy) - start) + 6 * Math.max(0, now - busy);
  const used = (now: number): number => 0.1 * (Math.min(now, busy) - start) + 0.25 * Math.max(0, now - busy);
  const claim = { namespace: 'db', persistentvolumeclaim: 'data-pg-0', job: 'kubelet', node: 'worker-1' };
  const [filling, full] = [Date.parse('2026-11-23T19:20:00Z') / 1000, Date.parse('2026-11-23T20:10:00Z') / 1000];
  const part = (now: number): number => 0.71 + 0.27 * Math.min(1, Math.max(0, (now - filling) / (full - filling)));
  const gibi = 20 * 1024 ** 3;
  const volume = (name: string, value: (now: number) => number): string =>
    samples(name, claim, '2026-11-23T18:30:00Z', '2026-11-23T20:10:00Z', value);
  return [
    '# TYPE container_cpu_cfs_periods counter',
    samples('container_cpu_cfs_periods_total', throttledPod, began, ended, (now) => 10 * (now - start)),
    '# TYPE container_cpu_cfs_throttled_periods counter',
    samples('container_cpu_cfs_throttled_periods_total', throttledPod, began, ended, held),
    '# TYPE kubelet_volume_stats_used_bytes gauge',
    volume('kubelet_volume_stats_used_bytes', (now) => Math.round(part(now) * gibi)),
    '# TYPE kubelet_volume_stats_available_bytes gauge',
    volume('kubelet_volume_stats_available_bytes', (now) => Math.round((1 - part(now)) * gibi)),
    '# TYPE kubelet_volume_stats_capacity_bytes gauge',
    volume('kubelet_volume_stats_capacity_bytes', () => gibi),
    '# TYPE container_cpu_usage_seconds counter',
    samples('container_cpu_usage_seconds_total', throttledPod, began, ended, used),
  ];
}

/** What Prometheus would have scraped while the recorded incident happened, as OpenMetrics. */
function recordedMetrics(): string {
  const start = Date.parse('2026-11-23T17:00:00Z') / 1000;
  const end = Date.parse('2026-11-23T18:40:00Z') / 1000;
  const began = Date.parse('2026-11-23T18:13:00Z') / 1000;
  const rollout = Date.parse('2026-11-23T18:09:30Z') / 1000;
  // It fills up within ten minutes, until it is killed.
  const killed = Date.parse('2026-11-23T18:32:25Z') / 1000;
  const memoryAt = (at: number): number => Math.round((60 + ((((at - killed) % 600) + 600) % 600) * 0.32) * 1024 ** 2);
  const every15 = (line: (at: number) => string): string => {
    const lines: string[] = [];
    for (let at = start; at <= end; at += 15) lines.push(line(at));
    return lines.filter((text) => text !== '').join('\n');
  };
  return [
    '# TYPE container_memory_working_set_bytes gauge',
    every15((at) => (at < rollout ? '' : `container_memory_working_set_bytes{${labels}} ${memoryAt(at)} ${at}`)),
    ...furtherMetrics(),
    every15((at) => (at < rollout ? '' : `container_cpu_usage_seconds_total{${labels}} ${(at - rollout) * 0.2} ${at}`)),
    '# TYPE kube_pod_container_status_waiting_reason gauge',
    every15(
      (at) =>
        `kube_pod_container_status_waiting_reason{job="kube-state-metrics",reason="CrashLoopBackOff",${labels}} ${at < began ? 0 : 1} ${at}`,
    ),
    '# EOF\n',
  ].join('\n');
}

let url: string;
let prometheus: MetricsReader;
const { signal } = new AbortController();
const at = '2026-11-23T18:34:00.000Z';

beforeAll(async () => {
  if (missing !== null || command === null) return;
  const folder = cleanup.temporaryFolder('prometheus');
  writeFileSync(join(folder, 'recorded.om'), recordedMetrics());
  execFileSync(
    'promtool',
    ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'recorded.om'), join(folder, 'data')],
    { stdio: 'pipe' },
  );
  writeFileSync(join(folder, 'prometheus.yml'), 'global: {}\n');
  const address = `127.0.0.1:${await freePort()}`;
  const program = startProcess(command, [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    '--storage.tsdb.retention.time=100y',
    `--web.listen-address=${address}`,
    '--log.level=warn',
  ]);
  cleanup.defer(() => program.stop(3000));
  await waitForHttp(program, `http://${address}/-/ready`);
  url = `http://${address}`;
  const http = createHttpClient();
  cleanup.defer(() => http.close());
  prometheus = createPrometheus({ name: 'Prometheus', url, token: () => null, http });
});
afterAll(() => cleanup.run());

describe.skipIf(missing !== null)(missing === null ? 'a real Prometheus' : `skipped: ${missing} not found`, () => {
  test('answers what the reader asks, and words what it refuses', async () => {
    const { series } = await prometheus.query(containerUsage('memory', { ...pod, container: null }), at, signal);
    expect(series).toMatchObject([{ labels: pod }]);
    const range = {
      expression: containerUsage('cpu', pod),
      from: '2026-11-23T18:15:00.000Z',
      to: at,
      stepMs: 60_000,
    };
    const cpu = await prometheus.queryRange(range, signal);
    expect(cpu.series[0]?.points.at(-1)?.[1]).toBeCloseTo(0.2, 3);
    expect(
      await prometheus.series('container_memory_working_set_bytes', '2026-11-23T18:15:00.000Z', at, signal),
    ).toEqual([{ __name__: 'container_memory_working_set_bytes', ...pod }]);
    await expect(prometheus.query('up{', at, signal)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/^Prometheus refuses the expression: .*parse error/) as string,
    });
    await expect(
      prometheus.query('1 + on(x) group_left up or {__name__=~".+"} * {__name__=~".+"}', at, signal),
    ).rejects.toMatchObject({ code: 'InvalidInput' });
    expect(await prometheus.query('scalar(vector(1))', at, signal)).toMatchObject({
      series: [{ labels: {}, points: [[Date.parse(at), 1]] }],
    });
  });

  const investigated = () => ['investigate', '--alert', alert, '--dump', dump, '--prometheus', url];

  test('gives the report of `fist investigate --prometheus` its metrics', async () => {
    const { out, code } = await runFist([...investigated(), '-o', 'json']);
    expect(code).toBe(0);
    const report = JSON.parse(out) as AgentResult;
    expect(report.gaps.filter(({ resource }) => resource === 'metrics')).toEqual([]);
    expect(report.measurements.map(({ kind }) => kind)).toEqual(['alert', 'memory', 'cpu']);
    expect(report.measurements[0]?.sentence).toMatch(
      /^What the alert measures stepped up from 0 to 1 at 2026-11-23 18:1[34]/,
    );
    expect(report.measurements[1]).toMatchObject({ is_saturated: true, object: `pod/shop/${pod.pod}` });
    expect(report.findings[0]?.evidence_ids).toContain(report.measurements[1]?.evidence_id);
    const { out: text } = await runFist(investigated());
    expect(text).toMatch(/What the alert measures stepped up from 0 to 1[^]*\n {2}[▁█]{20,}\n/);
  });

  test('drives the timeline, the confidence and the charts of a report, live and as it was captured', async () => {
    const folder = cleanup.temporaryFolder('report');
    const asked = ['investigate', '--alert', alert, '--dump', dump, '--explain', '--charts', folder];
    const { out: text, err } = await runFist([...asked, '--prometheus', url]);
    const flat = text.replace(/\s+/g, ' ');
    for (const said of [
      /18:09:26 revision 2 of deployment\/shop\/checkout was rolled out/,
      /18:1[34]:\d\d what the alert measures was >= 1 from then on/,
      /18:2\d:\d\d memory of checkout-5577bf7884-59zsl\/checkout began to rise/,
      /18:3\d:\d\d memory of checkout-5577bf7884-59zsl\/checkout reached 9\d% of its limit of 256Mi/,
      /\+10%: memory of checkout-5577bf7884-59zsl\/checkout rose .* before the kill at 2026-11-23 18:32:25 UTC/,
    ])
      expect(flat).toMatch(said);
    const charts = readdirSync(folder);
    expect(charts.map((name) => name.replace(/^e\d+-/, '')).sort()).toEqual(['alert.svg', 'cpu.svg', 'memory.svg']);
    for (const name of charts) {
      expect(err).toContain(`chart: ${join(folder, name)}`);
      const svg = readFileSync(join(folder, name), 'utf8');
      expect(svg.length).toBeLessThan(8192);
      expect(svg).toMatch(/^<svg [^]*alert began[^]*class="fist-l" d="M[^]*<\/svg>\n$/);
      const bound = name.includes('memory') ? 'limit 256Mi' : name.includes('alert') ? 'threshold 1' : '200m';
      expect(svg).toContain(bound);
    }
    const captured = join(cleanup.temporaryFolder('captured'), 'dump');
    cpSync(dump, captured, { recursive: true });
    const alerts = await chooseAlerts(readFileSync(alert, 'utf8'), null);
    const readers = { ...noReaders, prometheus: { url, token: null } };
    expect((await captureMetrics(captured, readers, alerts, signal)).answers).toBe(3);
    const { out: again } = await runFist(['investigate', '--alert', alert, '--dump', captured, '-o', 'json']);
    const { out: live } = await runFist([...investigated(), '-o', 'json']);
    const parts = ({ timeline, measurements, confidence_reasons }: AgentResult) => ({
      timeline: timeline.map(({ at: when, text: words }) => `${when} ${words}`),
      points: measurements.map(({ points, chart }) => ({ points, chart })),
      confidence_reasons,
    });
    expect(parts(JSON.parse(again) as AgentResult)).toEqual(parts(JSON.parse(live) as AgentResult));
  });

  test('is the cause of what the cluster has no words for: throttling and a volume that fills up', async () => {
    const reportOf = async (name: string, ...more: readonly string[]) => {
      // Without what the case recorded itself: this Prometheus has to say it.
      const folder = join(cleanup.temporaryFolder('case'), 'dump');
      cpSync(`${caseOf(name)}/dump`, folder, { recursive: true });
      rmSync(join(folder, 'prometheus'), { recursive: true });
      const { out } = await runFist([
        'investigate',
        '--alert',
        `${caseOf(name)}/alert.json`,
        '--dump',
        folder,
        '-o',
        'json',
        ...more,
      ]);
      return JSON.parse(out) as AgentResult;
    };
    expect((await reportOf('metrics-cpu-throttled')).root_cause).toBeNull();
    const throttled = await reportOf('metrics-cpu-throttled', '--prometheus', url);
    expect(throttled.cause).toMatchObject({ category: 'cpu-throttled', object: `pod/pay/${throttledPod.pod}` });
    expect(throttled.cause?.sentence).toMatch(/held back in up to (?:59|60)% of its periods, since 2026-11-21 1[01]:/);
    expect(throttled.cause?.change).toContain('cpu limit of container checkout from 1 to 250m');
    expect(throttled.timeline.map(({ text }) => text).join('\n')).toMatch(/^CPU throttling of checkout-.* began/m);
    expect((await reportOf('metrics-disk-filling')).root_cause).toBeNull();
    const filling = await reportOf('metrics-disk-filling', '--prometheus', url);
    expect(filling.root_cause).toMatch(/^9[78]% of claim data-pg-0 is used\. It rose steadily from 7\d%/);
    expect(filling.measurements.find(({ kind }) => kind === 'volume')?.chart).toContain('fist-l');
  });

  test('is read by the tools of a model', async () => {
    const { call } = await callTools(toolDefinitions, await openDump(dump), { readers: { metrics: prometheus } });
    const top = await call('kubernetes_top', { namespace: 'shop' });
    expect(dataOf(top)).toMatch(/shop +checkout-5577bf7884-59zsl +checkout +[\d.]+Mi +256Mi +\d+%/);
    const range = await call('prometheus_query_range', {
      query: `container_memory_working_set_bytes{${labels}} > 1`,
    });
    expect(dataOf(range)).toMatch(/sawtooth|varying/);
    const nothing = await call('prometheus_query', { query: 'container_memory_working_set_bytes{pod="other"}' });
    expect(nothing).toMatchObject({ status: 'no_data' });
    expect(dataOf(nothing)).toContain(
      'container_memory_working_set_bytes has series, with labels container (checkout)',
    );
    const refused = await call('prometheus_query', { query: 'sum(up[5m])' });
    expect(refused).toMatchObject({ status: 'error', reason: 'InvalidInput' });
    expect(refused.text).toContain('parse error');
  });
});
