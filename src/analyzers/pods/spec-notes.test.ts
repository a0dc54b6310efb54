import { expect, test } from 'vitest';
import type { KubernetesObject } from '../../core/cluster.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { readLog } from '../log/records.ts';
import { lastWords } from '../log/telling.ts';
import { containersOf } from './pod-status.ts';
import { specNote } from './spec-notes.ts';

/** What the spec of the pod says about the last words of its container `app`. */
function noteOf(log: string, spec: object): string {
  const pod = podObject('web-1', { spec: { containers: [{ name: 'app', ...spec }] } }) as KubernetesObject;
  const [container] = containersOf(pod);
  if (container === undefined) throw new Error('the pod has no container');
  return specNote(pod, container, lastWords(readLog(log), { exitCode: 1, finishedAt: null }));
}

test.each(['/data', '/data/'])('a read-only mount at %s is named for a path in it', (mountPath) => {
  const spec = { volumeMounts: [{ name: 'orders', mountPath, readOnly: true }] };
  expect(noteOf('error: open /data/a.db: read-only file system', spec)).toBe(
    ` Volume orders is mounted at ${mountPath} with readOnly.`,
  );
  expect(noteOf('error: open /data: read-only file system', spec)).toContain('Volume orders');
  expect(noteOf('error: open /database/a.db: read-only file system', spec)).toBe('');
});

test('a mount at / is named for no path: the root file system has a setting of its own', () => {
  const spec = { volumeMounts: [{ name: 'orders', mountPath: '/', readOnly: true }] };
  expect(noteOf('error: open /data/a.db: read-only file system', spec)).toBe('');
});
