import { expect, test } from 'vitest';
import { labelledObject } from './alert.ts';

test.each([
  [{ namespace: 'shop', deployment: 'web', pod: 'kube-state-metrics-0' }, 'shop/web'],
  [{ namespace: 'shop', pod: 'web-0' }, 'shop/web-0'],
  [{ node: 'node-1', instance: '10.0.0.1:9100' }, 'node-1'],
  [{ namespace: 'shop' }, 'shop'],
  [{ alertname: 'Watchdog' }, ''],
])('%j is about %s', (labels, object) => {
  expect(labelledObject(labels)).toBe(object);
});
