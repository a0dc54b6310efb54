import { describe, expect, test } from 'vitest';
import { change, look } from '../analyzers/advice.ts';
import { effectOf } from './effect.ts';

describe('what a command does, and what takes it back', () => {
  test.each([
    {
      action: 'kubectl -n shop rollout undo deployment/web --to-revision=3',
      changes: 'replaces the pods of deployment/web',
      undo: 'kubectl -n shop rollout undo deployment/web',
    },
    {
      action: 'kubectl -n shop set image deployment/web app=<an image that exists>',
      changes: 'replaces the pods of deployment/web',
      undo: 'kubectl -n shop rollout undo deployment/web',
    },
    {
      action: 'kubectl -n shop set env statefulset/db -c db PEERS=<the address of service/db>',
      changes: 'replaces the pods of statefulset/db',
      undo: 'kubectl -n shop rollout undo statefulset/db',
    },
    {
      action: 'kubectl -n shop set resources daemonset/agent -c agent --limits=memory=<more than 64Mi>',
      changes: 'replaces the pods of daemonset/agent',
      undo: 'kubectl -n shop rollout undo daemonset/agent',
    },
    {
      action: 'kubectl -n shop edit deployment/web',
      changes: 'replaces the pods of deployment/web',
      undo: 'kubectl -n shop rollout undo deployment/web',
    },
    {
      action: 'kubectl -n shop scale deployment/web --replicas=2',
      changes: 'gives deployment/web pods',
      undo: 'kubectl -n shop scale deployment/web --replicas=0',
    },
    {
      action: 'kubectl -n shop rollout resume deployment/web',
      changes: 'rolls out the waiting template of deployment/web',
      undo: 'kubectl -n shop rollout pause deployment/web',
    },
    {
      action: 'kubectl uncordon node-1',
      changes: 'lets node node-1 take pods',
      undo: 'kubectl cordon node-1',
    },
    {
      action: 'kubectl -n shop delete pod web-1',
      changes: 'ends pod web-1; its controller makes it again',
      undo: null,
    },
    {
      action: 'kubectl -n shop delete pod web-1, one after the other, waiting until each is ready.',
      changes: 'ends pod web-1; its controller makes it again',
      undo: null,
    },
    {
      action: `kubectl -n shop patch cronjob/report --patch '{"spec":{"suspend":false}}'`,
      changes: 'lets cronjob/report start',
      undo: `kubectl -n shop patch cronjob/report --type=merge --patch '{"spec":{"suspend":true}}'`,
    },
    {
      action: `kubectl -n shop patch job/report --type=strategic --patch '{"spec":{"suspend":false}}'`,
      changes: 'lets job/report start',
      undo: `kubectl -n shop patch job/report --type=merge --patch '{"spec":{"suspend":true}}'`,
    },
  ])('$action', ({ action, changes, undo }) => {
    expect(effectOf(change(action, ''))).toEqual({ changes, undo });
  });
});

test('of other commands nothing is said', () => {
  for (const action of [
    'kubectl -n shop edit service web',
    'kubectl -n shop scale deployment/web --replicas=0',
    'Raise maxReplicas of horizontalpodautoscaler web in namespace shop.',
  ])
    expect(effectOf(change(action, ''))).toEqual({ changes: null, undo: null });
});

test('an undo that the advice knows itself comes first', () => {
  const back = 'kubectl -n shop rollout undo deployment/web --to-revision=4';
  const advice = { ...change('kubectl -n shop rollout undo deployment/web --to-revision=3', ''), undo: back };
  expect(effectOf(advice).undo).toBe(back);
  expect(effectOf({ ...change('Correct the spec.', ''), undo: back })).toEqual({ changes: null, undo: back });
});

test('reading changes nothing', () => {
  expect(effectOf(look('kubectl -n shop edit deployment/web', ''))).toEqual({ changes: null, undo: null });
});
