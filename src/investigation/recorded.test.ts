import { expect, test } from 'vitest';
import { alertOf } from '../../test/support/alert-snapshot.ts';
import { eventObject, memoryCluster, podObject } from '../../test/support/memory-cluster.ts';
import type { Objects } from '../../test/support/memory-cluster.ts';
import type { AgentResult } from '../core/finding.ts';
import { headLine, headOf, momentOf } from '../report/head.ts';
import { renderText } from '../report/text.ts';
import { investigate } from './investigate.ts';
import { recordedText } from './recorded.ts';

const captured = '2026-01-01T12:00:29.500Z';

/** What is found out in a cluster that is live, or was captured at {@link captured}. */
async function look(
  labels: Readonly<Record<string, string>>,
  options: { isRecorded: boolean; startsAt?: string; fingerprint?: string },
  objects: Objects = { pods: [crashed] },
): Promise<AgentResult> {
  const { isRecorded, startsAt = null, fingerprint = 'f' } = options;
  const alert = alertOf(labels, { fingerprint, startsAt });
  const { result } = await investigate({
    cluster: memoryCluster(objects, { now: captured, isRecorded }),
    alert,
    asked: '',
    firstEvidenceNumber: 1,
    refusal: null,
    now: () => captured,
    signal: new AbortController().signal,
  });
  return result;
}

const crashed = podObject('web', {
  status: {
    phase: 'Running',
    containerStatuses: [
      {
        name: 'app',
        ready: false,
        restartCount: 7,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: {
          terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt: '2026-01-01T11:50:00Z' },
        },
      },
    ],
  },
});
const web = { namespace: 'shop', pod: 'web' };
const nope = { namespace: 'shop', pod: 'nope' };
const dayLater = '2026-01-02T12:00:00.000Z';

test('a report of a recorded cluster says so under its head, in every form; of a live one nothing', async () => {
  const result = await look(web, { isRecorded: true, startsAt: '2026-01-01T11:40:00.000Z' });
  const line = 'Recorded cluster, as of 2026-01-01 12:00 UTC.';
  expect(result).toMatchObject({ recorded: line, notice: null, cause: { category: 'oom-killed' } });
  expect(result.confidence).toBeGreaterThan(0.5);
  expect(renderText(result, { now: captured }).split('\n')[1]).toBe(line);
  expect(result.report).toMatch(/\*\*FIRING [^\n]+\n\nRecorded cluster, as of 2026-01-01 12:00 UTC\.\n/);
  const live = await look(web, { isRecorded: false, startsAt: dayLater });
  expect(live.recorded).toBeNull();
  expect(live.confidence).toBe(result.confidence);
  expect(`${renderText(live, { now: captured })}${live.report}`).not.toContain('Recorded');
});

test('of an alert that began an hour after the capture it is at most half sure, and says why', async () => {
  const result = await look(web, { isRecorded: true, startsAt: dayLater });
  expect(result.confidence).toBe(0.5);
  expect(result.confidence_reasons.at(-1)).toBe('at most 50%: the recorded cluster is older than the alert');
  expect(renderText(result, { now: dayLater, width: 200 }).split('\n')[1]).toBe(
    'Recorded cluster, as of 2026-01-01 12:00 UTC: older than this alert, so what it shows may not be its cause.',
  );
  const reads = { isRecorded: true, now: captured };
  expect(recordedText(reads, '2026-01-01T13:00:29.500Z')).not.toContain('older');
  expect(recordedText(reads, '2026-01-01T13:00:29.501Z')).toContain('older');
});

test('what an old capture lacks is not said to be gone', async () => {
  const { summary, open_questions: questions } = await look(nope, { isRecorded: true, startsAt: dayLater });
  expect(summary).toContain('pod/shop/nope is not in the recorded cluster.');
  expect(questions.join()).toContain('What happened to pod/shop/nope? It is not in the recorded cluster.');
});

test.each<readonly [string, Readonly<Record<string, string>>, Objects, string]>([
  ['nothing', nope, {}, 'was not found'],
  [
    'an event',
    nope,
    { events: [eventObject({ kind: 'Pod', name: 'nope' }, 'Killing', 'Stopping')] },
    'does not exist any more',
  ],
  [
    'an event of another',
    nope,
    { events: [eventObject({ kind: 'Pod', name: 'web' }, 'Killing', 'Stopping')] },
    'was not found',
  ],
  ['the uid of the alert', { ...nope, uid: 'u1' }, {}, 'does not exist any more'],
])('a pod that is not there, and what proves that it was: %s', async (_, labels, objects, words) => {
  const { summary, open_questions: questions } = await look(labels, { isRecorded: false }, objects);
  expect(summary).toContain(`pod/shop/nope ${words}.`);
  expect(questions.join()).toContain(`What happened to pod/shop/nope? It ${words}.`);
});

test('what was asked for is not found, and something else is broken: both sentences are true', async () => {
  const result = await look(nope, { isRecorded: false, fingerprint: '' });
  expect(result.happened).toBe('Nothing that is linked to it was found unwell.');
  expect(renderText(result, { now: captured })).toContain('Also broken, no link found: pod/shop/web');
});

test('an alert fires up to the moment of the capture, and until now where it began after that', async () => {
  const headAt = async (startsAt: string): Promise<string> => {
    const result = await look(web, { isRecorded: true, startsAt });
    const head = headOf(result);
    return headLine(head, momentOf(head, result.observed_at, '2026-01-02T12:30:00.000Z'));
  };
  expect(await headAt('2026-01-01T11:40:29.500Z')).toContain(' for 20m');
  expect(await headAt(dayLater)).toContain(' for 30m');
});
