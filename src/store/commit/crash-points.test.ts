import { describe, expect, it } from 'vitest';
import { crashHooks, parseCrashPoint } from './crash-points.ts';
import type { CrashPoint } from './crash-points.ts';

function recorder() {
  const crashes: CrashPoint[] = [];
  return { crashes, crash: (point: CrashPoint) => void crashes.push(point) };
}

describe('crash points', () => {
  it('reads when, name and occurrence', () => {
    expect(parseCrashPoint('before:step-end:3')).toEqual({ when: 'before', name: 'step-end', occurrence: 3 });
    expect(parseCrashPoint('after:intake')).toEqual({ when: 'after', name: 'intake', occurrence: 1 });
  });

  it.each([
    '',
    'step-end',
    'during:step-end:1',
    'before:nothing:1',
    'before:claim:0',
    'before:claim:x',
    'before:claim:1:2',
  ])('refuses %j', (text) => {
    expect(() => parseCrashPoint(text)).toThrow(/is not a crash point/);
  });

  it('crashes once, at the n-th occurrence, also within one shared commit', () => {
    const { crashes, crash } = recorder();
    const hooks = crashHooks('before:claim:3', crash);
    expect(Object.keys(hooks)).toEqual(['beforeCommit']);
    hooks.beforeCommit?.(['intake', 'claim']);
    hooks.beforeCommit?.(['renew']);
    expect(crashes).toEqual([]);
    hooks.beforeCommit?.(['claim', 'claim', 'claim']);
    hooks.beforeCommit?.(['claim']);
    expect(crashes).toEqual([{ when: 'before', name: 'claim', occurrence: 3 }]);
  });

  it('has only the hook after the commit for an after point', () => {
    const { crashes, crash } = recorder();
    const hooks = crashHooks('after:run-end:1', crash);
    expect(Object.keys(hooks)).toEqual(['afterCommit']);
    hooks.afterCommit?.(['run-end']);
    expect(crashes).toHaveLength(1);
  });
});
