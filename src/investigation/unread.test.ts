import { describe, expect, test } from 'vitest';
import { alertOf } from '../../test/support/alert-snapshot.ts';
import { eventObject, memoryCluster, podObject } from '../../test/support/memory-cluster.ts';
import { modelWorld } from '../../test/support/model-world.ts';
import { ended, looping } from '../../test/support/ended-container.ts';
import { expectSound, oomShop, owner, runIn, shop, shopLogs, textOf } from '../../test/support/shop.ts';
import { openModel } from '../agent/models/open.ts';
import { AppError } from '../core/errors.ts';
import type { InvestigationFailure } from './input.ts';

function refusalOf(provider: string): InvestigationFailure | null {
  const access = openModel({ provider, model: null, endpoint: null, apiKeySecret: null }, modelWorld());
  return access.kind === 'refused' ? access.failure : null;
}

test('clocks that did not count are an open question', async () => {
  const { result } = await runIn(memoryCluster({}, { ahead: ['Is the clock behind node/n2 right?'] }));
  expect(result.open_questions).toContain('Is the clock behind node/n2 right?');
});

test('of an object that cannot be read its events still tell', async () => {
  const message = 'Cannot determine if job needs to be started: too many missed start time (> 100)';
  const events = [eventObject({ kind: 'CronJob', name: 'purge' }, 'FailedNeedsStart', message)];
  const cluster = memoryCluster(
    { events },
    { instead: { 'get cronjobs': { kind: 'not_captured', reason: 'no cronjobs.json' } } },
  );
  const alert = alertOf({ namespace: 'shop', cronjob: 'purge' }, { name: 'CronJobNotScheduled' });
  const { result } = await runIn(cluster, { alert });
  expect(result.root_cause).toContain(message);
});

describe('owners that cannot be read', () => {
  const message = 'create Pod db-1 in StatefulSet db failed error: pods "db-1" is forbidden: exceeded quota: team';
  const unread = { instead: { statefulsets: { kind: 'not_captured', reason: 'no statefulsets.json' } } } as const;

  test('their events count where the alert names a pod of theirs, and where it names the namespace', async () => {
    const events = [eventObject({ kind: 'StatefulSet', name: 'db' }, 'FailedCreate', message)];
    const pods = [podObject('db-0', { meta: owner('StatefulSet', 'db') })];
    const byPod = alertOf({ namespace: 'shop', pod: 'db-0' }, { name: 'KubePodNotReady' });
    const byPlace = alertOf({ namespace: 'shop' }, { name: 'ServiceUnhealthy' });
    for (const alert of [byPod, byPlace]) {
      const { result } = await runIn(memoryCluster({ events, pods }, unread), { alert });
      expect(result.findings.map(({ object }) => object)).toContain('statefulset/shop/db');
    }
  });
});

test('a missing read lowers the confidence and is an open question', async () => {
  const objects = { ...shop(looping(ended('OOMKilled', 137))), replicasets: [] };
  const full = await runIn(memoryCluster(objects, { logs: shopLogs }));
  const missing = { kind: 'not_captured', reason: 'the dump has no nodes.json' } as const;
  const partial = await runIn(memoryCluster(objects, { logs: shopLogs, instead: { 'list nodes': missing } }));
  expect(partial.result.confidence).toBeCloseTo(full.result.confidence - 0.1, 5);
  expect(partial.result.open_questions).toEqual([
    'What would the nodes of the cluster say? It was not captured: the dump has no nodes.json',
  ]);
});

test('a log that is missing is an open question, and lowers only what a log could show', async () => {
  const short = { logs: { 'shop/web-h2-abcde/app': 'x' } };
  const full = await runIn(
    memoryCluster({ ...shop(looping(ended('OOMKilled', 137))), replicasets: [] }, { logs: shopLogs }),
  );
  const partial = await runIn(memoryCluster({ ...shop(looping(ended('OOMKilled', 137))), replicasets: [] }, short));
  expect(partial.result.confidence).toBe(full.result.confidence);
  expect(partial.result.open_questions).toEqual([
    'What would the previous log of container app of pod/shop/web-h2-abcde say? It was not captured: no such log',
  ]);
});

test('forbidden reads are said, never taken for absent', async () => {
  const cluster = oomShop({
    instead: {
      'get pods': { kind: 'forbidden', reason: 'pods "web-h2-abcde" is forbidden' },
      'list ': { kind: 'forbidden', reason: 'no list' },
    },
  });
  const { result, failure } = await runIn(cluster);
  expect(failure).toBeNull();
  expect(result).toMatchObject({ root_cause: null, confidence: 0, findings: [] });
  expect(result.open_questions.join('\n')).toContain('Reading it is forbidden: pods "web-h2-abcde" is forbidden');
  expect(result.open_questions.join('\n')).not.toContain('does not exist');
  expect(result.actions_taken.find(({ command }) => command.includes('get pod '))).toMatchObject({
    success: false,
    output_summary: 'forbidden: pods "web-h2-abcde" is forbidden',
  });
});

test('a cluster that goes away on the way: what was found is kept', async () => {
  const cluster = oomShop({
    instead: { 'list replicasets': new AppError('ClusterUnavailable', 'connection refused') },
  });
  const { result, failure } = await runIn(cluster);
  expect(failure).toBeNull();
  expectSound(result);
  expect(result.open_questions.join('\n')).toContain(
    'It could not be read, beginning with the replicasets of namespace shop: connection refused',
  );
});

test('a cluster that never answers fails the step, with a report', async () => {
  const down = new AppError('ClusterUnavailable', 'https://x did not answer');
  const { result, failure } = await runIn(memoryCluster({}, { instead: { '': down } }));
  expect(failure).toEqual({ code: 'ClusterUnavailable', message: 'https://x did not answer', retryable: true });
  expect(result).toMatchObject({ root_cause: null, confidence: 0 });
  expect(result.report).toContain('# Investigation Summary');
  const first = 'The cluster could not be read: https://x did not answer.';
  expect(result.report.split('\n')[0]?.replaceAll('\\', '')).toBe(first);
  expect(result.summary.startsWith(`${first} Inconclusive`)).toBe(true);
  expect(textOf(result).split('\n')[1]).toBe(first);
});

test('a cluster that never answers comes before a refused model: it may be back, and the analyzers then report', async () => {
  const down = new AppError('ClusterUnavailable', 'the proxy says:\n<html>503</html>');
  const refusal = refusalOf('mock');
  const { result, failure } = await runIn(memoryCluster({}, { instead: { '': down } }), { refusal });
  expect(failure).toMatchObject({ code: 'ClusterUnavailable', retryable: true });
  expect(result.report.split('\n')[0]).toMatch(/^The cluster could not be read: .*503.*model provider/);
});

test('no cluster: inconclusive, and the flag to give', async () => {
  const { result, failure } = await runIn(null);
  expect(failure).toBeNull();
  expect(result).toMatchObject({ root_cause: null, confidence: 0, findings: [], evidence: [] });
  expect(result.open_questions[0]).toContain('--context NAME');
});

test.each(['opus', 'mock', 'none\n# x'])('provider %s is refused, and the analyzers still report', async (provider) => {
  const { result, failure } = await runIn(oomShop(), {
    refusal: refusalOf(provider),
  });
  expect(failure).toMatchObject({ code: 'ModelUnknown', retryable: false });
  expect(failure?.message).toContain('(known: none, anthropic, ');
  expect(result.root_cause).toContain('OOMKilled');
  expect(result.summary).toContain('is no model provider of this version');
  expect(result.report.split('\n')[0]).toContain('is no model provider of this version');
  expect(result.report.split('\n')[2]).toBe('# Investigation Summary');
  expect(textOf(result).split('\n\n')[0]?.replace(/\s+/g, ' ')).toContain('is no model provider of this version');
});

test('provider none succeeds', async () => {
  expect(
    (
      await runIn(oomShop(), {
        refusal: refusalOf('none'),
      })
    ).failure,
  ).toBeNull();
});
