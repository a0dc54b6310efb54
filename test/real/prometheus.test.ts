import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toolDefinitions } from '../../src/agent/tools/index.ts';
import type { AgentResult } from '../../src/core/finding.ts';
import type { MetricsReader } from '../../src/core/readers.ts';
import { containerUsage } from '../../src/investigation/metrics/usage.ts';
import { openDump } from '../../src/kube/dump.ts';
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

/** What Prometheus would have scraped while the recorded incident happened, as OpenMetrics. */
function recordedMetrics(): string {
  const start = Date.parse('2026-11-23T17:00:00Z') / 1000;
  const end = Date.parse('2026-11-23T18:40:00Z') / 1000;
  const began = Date.parse('2026-11-23T18:13:00Z') / 1000;
  const rollout = Date.parse('2026-11-23T18:09:30Z') / 1000;
  const every15 = (line: (at: number) => string): string => {
    const lines: string[] = [];
    for (let at = start; at <= end; at += 15) lines.push(line(at));
    return lines.filter((text) => text !== '').join('\n');
  };
  return [
    '# TYPE container_memory_working_set_bytes gauge',
    every15((at) =>
      at < rollout
        ? ''
        : `container_memory_working_set_bytes{${labels}} ${(90 + ((at - rollout) % 120)) * 1024 ** 2 * 1.2} ${at}`,
    ),
    '# TYPE container_cpu_usage_seconds counter',
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
}, 120_000);
afterAll(() => cleanup.run());

describe.skipIf(missing !== null)(
  missing === null ? 'a real Prometheus' : `skipped: ${missing} not found`,
  { timeout: 120_000 },
  () => {
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

    test('gives the report of `fist investigate --prometheus` its metrics', async () => {
      const { out, code } = await runFist([
        'investigate',
        '--alert',
        alert,
        '--dump',
        dump,
        '--prometheus',
        url,
        '-o',
        'json',
      ]);
      expect(code).toBe(0);
      const report = JSON.parse(out) as AgentResult;
      expect(report.gaps.filter(({ resource }) => resource === 'metrics')).toEqual([]);
      expect(report.measurements.map(({ kind }) => kind)).toEqual(['alert', 'memory', 'cpu']);
      expect(report.measurements[0]?.sentence).toMatch(
        /^What the alert measures stepped up from 0 to 1 at 2026-11-23 18:1[34]/,
      );
      expect(report.measurements[1]).toMatchObject({ is_saturated: true, object: `pod/shop/${pod.pod}` });
      expect(report.findings[0]?.evidence_ids).toContain(report.measurements[1]?.evidence_id);
      const { out: text } = await runFist(['investigate', '--alert', alert, '--dump', dump, '--prometheus', url]);
      expect(text).toMatch(/What the alert measures stepped up from 0 to 1[^]*\n {2}[▁█]{20,}\n/);
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
  },
);
