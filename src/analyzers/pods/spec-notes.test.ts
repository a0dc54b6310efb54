import { expect, test } from 'vitest';
import type { KubernetesObject } from '../../core/cluster.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { readLog } from '../log/records.ts';
import { lastWords } from '../log/telling.ts';
import { containersOf } from './pod-status.ts';
import { specNote } from './spec-notes.ts';

/** What the spec of the pod says about the last words of its container `app`. */
function noteOf(log: string, spec: object, ofPod: object = {}): string {
  const pod = podObject('web-1', { spec: { containers: [{ name: 'app', ...spec }], ...ofPod } }) as KubernetesObject;
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

test('a read-only root file system', () => {
  const spec = { securityContext: { readOnlyRootFilesystem: true } };
  expect(noteOf('error: open /tmp/a: read-only file system', spec)).toContain('readOnlyRootFilesystem');
});

test('another container of the pod that declares the port', () => {
  const containers = [{ name: 'app' }, { name: 'proxy', ports: [{ containerPort: 8080 }] }];
  const log = 'error: listen tcp 0.0.0.0:8080: bind: address already in use';
  expect(noteOf(log, {}, { containers })).toBe(' Container proxy of the same pod declares port 8080 too.');
  expect(noteOf(log, {}, { hostNetwork: true })).toContain('port 8080 may be taken there');
});
