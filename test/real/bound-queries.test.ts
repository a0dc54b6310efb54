import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bindPromql } from '../../src/agent/queries/bind.ts';
import type { MetricsReader } from '../../src/core/readers.ts';
import { createHttpClient } from '../../src/lib/http.ts';
import { createPrometheus } from '../../src/readers/prometheus.ts';
import { createCleanup } from '../support/cleanup.ts';
import { findProgram } from '../support/monitoring.ts';
import { freePort, startProcess, waitForHttp } from '../support/processes.ts';
import { createRandom } from '../support/random.ts';
import type { Random } from '../support/random.ts';

// Whatever is asked through the policy: a real Prometheus that has series of other namespaces answers as one that has none.

const command = findProgram('Prometheus');
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const missing = command === null ? 'Prometheus' : hasPromtool ? null : 'promtool';
if (missing !== null) console.warn(`skipped: ${missing} not found`);

const cleanup = createCleanup();
afterAll(() => cleanup.run());
const { signal } = new AbortController();
const at = '2026-11-23T18:30:00.000Z';
const scope = { namespaces: new Set(['shop', 'web']), isClusterWide: false };

function seriesOf(namespaces: readonly string[]): string {
  const end = Date.parse(at) / 1000;
  const times = Array.from({ length: 60 }, (_, index) => end - 15 * (59 - index));
  const metric = (name: string, type: string, labels: string, factor: number): readonly string[] =>
    times.map((time, index) => `${name}${type === 'counter' ? '_total' : ''}{${labels}} ${index * factor} ${time}`);
  const block = (name: string, type: string): readonly string[] => [
    `# TYPE ${name} ${type}`,
    ...namespaces.flatMap((namespace, place) =>
      ['a', 'b'].flatMap((pod) =>
        metric(name, type, `namespace="${namespace}",pod="${namespace}-${pod}",le="1"`, place + 1),
      ),
    ),
  ];
  const node = ['# TYPE node_load1 gauge', ...metric('node_load1', 'gauge', 'instance="n1",namespace="monitoring"', 3)];
  return [...block('up', 'gauge'), ...block('requests', 'counter'), ...node, '# EOF\n'].join('\n');
}

async function startWith(namespaces: readonly string[]): Promise<MetricsReader> {
  const folder = cleanup.temporaryFolder('prometheus');
  writeFileSync(join(folder, 'recorded.om'), seriesOf(namespaces));
  const data = join(folder, 'data');
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'recorded.om'), data], {
    stdio: 'pipe',
  });
  writeFileSync(join(folder, 'prometheus.yml'), 'global: {}\n');
  const address = `127.0.0.1:${await freePort()}`;
  const program = startProcess(command ?? '', [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${data}`,
    '--storage.tsdb.retention.time=100y',
    `--web.listen-address=${address}`,
    '--log.level=warn',
  ]);
  cleanup.defer(() => program.stop(3000));
  await waitForHttp(program, `http://${address}/-/ready`);
  const http = createHttpClient();
  cleanup.defer(() => http.close());
  return createPrometheus({ name: 'Prometheus', url: `http://${address}`, token: () => null, http });
}

/** An expression of PromQL, more or less. */
function expressionOf(random: Random, depth = 0): string {
  const inner = (): string => expressionOf(random, depth + 1);
  const matchers = [
    'namespace="shop"',
    'namespace=~"shop|web"',
    'namespace=~".+"',
    'namespace!="shop"',
    'namespace=~"kube.*|"',
    'namespace!~"x"',
    "pod=~'.*-a'",
    'pod=~`.*`',
    'le="1"',
    '',
  ];
  const selector = (): string => {
    const list = Array.from({ length: random.between(0, 2) }, () => random.pick(matchers)).filter(
      (text) => text !== '',
    );
    const name = random.pick([
      'up',
      'requests_total',
      'node_load1',
      '{__name__=~"up|requests_total"}',
      'absent_metric',
    ]);
    if (name.startsWith('{')) return list.length === 0 ? name : `${name.slice(0, -1)},${list.join(',')}}`;
    return list.length === 0 ? name : `${name}${random.pick(['', ' '])}{${list.join(' , ')}${random.pick(['', ','])}}`;
  };
  if (depth > 3) return selector();
  return random.pick([
    selector,
    () => `${selector()} offset 1m`,
    () => `rate(${selector()}[5m])`,
    () => `max_over_time(${selector()}[5m:1m])`,
    () => `sum(${inner()})`,
    () => `count by (namespace, pod) (${inner()})`,
    () => `topk(2, ${inner()}) without (le)`,
    () => `${inner()} ${random.pick(['+', '/', '>', 'and', 'or', 'unless on (pod)', '* ignoring (le)'])} ${inner()}`,
    () => `absent(${selector()})`,
    () => `label_replace(${inner()}, "namespace", "shop", "namespace", ".*")`,
    () => `histogram_quantile(0.9, ${inner()})`,
    () => `(${inner()}) ${random.pick(['- 1', '> bool 0', '@ end()', ''])}`,
    () => `-${inner()}`,
  ])();
}

/** The same with something in it that one reader might take otherwise than another. */
function spoiltOf(random: Random): string {
  const text = expressionOf(random);
  const place = random.between(0, text.length);
  const spoil = random.pick([
    '"',
    "'",
    '`',
    '#',
    '\n',
    '# "\n',
    '{',
    '}',
    '(',
    ')',
    '\\',
    '\\"',
    ' or up ',
    ' or {pod=~".+"} ',
    ',',
    '[',
    '/*',
    'ü',
    '"} or {x="',
  ]);
  return text.slice(0, place) + spoil + text.slice(place);
}

describe.skipIf(missing !== null)('what is asked of metrics through the policy', () => {
  let all: MetricsReader;
  let few: MetricsReader;
  beforeAll(async () => {
    [all, few] = await Promise.all([
      startWith(['kube-system', 'payments', 'shop', 'web']),
      startWith(['', '', 'shop', 'web']),
    ]);
  });

  const answerOf = async (reader: MetricsReader, expression: string): Promise<string> => {
    try {
      const { series } = await reader.query(expression, at, signal);
      return JSON.stringify(series.map((one) => JSON.stringify(one)).sort());
    } catch (thrown) {
      return `refused: ${thrown instanceof Error ? thrown.message : ''}`;
    }
  };

  test('the two servers differ where nothing is bound', async () => {
    expect(await answerOf(all, 'count(up)')).not.toBe(await answerOf(few, 'count(up)'));
  });

  test('two thousand expressions, half of them spoilt, say nothing of other namespaces', async () => {
    const random = createRandom(38);
    const counts = { refused: 0, wrong: 0, answered: 0, telling: 0 };
    for (let index = 0; index < 2000; index += 1) {
      const expression = index % 2 === 0 ? expressionOf(random) : spoiltOf(random);
      const bound = bindPromql(expression, scope);
      if ('reason' in bound) {
        counts.refused += 1;
        continue;
      }
      const [one, other] = await Promise.all([answerOf(all, bound.expression), answerOf(few, bound.expression)]);
      expect([expression, bound.expression, one]).toEqual([expression, bound.expression, other]);
      if (one.startsWith('refused')) counts.wrong += 1;
      else counts.answered += 1;
      if (!one.startsWith('refused') && one !== '[]') counts.telling += 1;
    }
    // Most that is asked well is asked: a policy that refuses everything would be safe, too.
    expect(counts.telling).toBeGreaterThan(400);
    expect(counts.answered).toBeGreaterThan(800);
    expect(counts.wrong).toBeLessThan(400);
    expect(counts.refused).toBeGreaterThan(300);
  });
});
