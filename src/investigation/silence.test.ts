import { expect, test } from 'vitest';
import type { AlertSnapshot } from '../core/run.ts';
import { silenceCommand } from './silence.ts';

const alert = (labels: Record<string, string>, name = 'KubePodNotReady', fingerprint = 'f') =>
  ({ name, labels, fingerprint }) as unknown as AlertSnapshot;

test('a silence of this alert, not of the whole rule', () => {
  expect(silenceCommand(alert({ namespace: 'shop', pod: 'web-1', severity: 'warning' }))).toBe(
    'amtool silence add --duration=2h --comment=investigating alertname=KubePodNotReady namespace=shop pod=web-1',
  );
});

test('what the exporter wrote about itself is left out', () => {
  const labels = {
    exported_namespace: 'shop',
    namespace: 'monitoring',
    exported_pod: 'web-1',
    pod: 'kube-state-metrics-x',
  };
  expect(silenceCommand(alert(labels))).toMatch(/KubePodNotReady exported_namespace=shop exported_pod=web-1$/);
});

test('nothing that a shell would act on', () => {
  expect(silenceCommand(alert({ namespace: 'shop; rm -rf /', pod: '$(id)', node: 'n1' }))).toBe(
    'amtool silence add --duration=2h --comment=investigating alertname=KubePodNotReady node=n1',
  );
  expect(silenceCommand(alert({ namespace: 'shop' }, 'a"b'))).toBeNull();
});

test('no alert, no silence', () => {
  expect(silenceCommand(alert({ namespace: 'shop' }, 'Asked', ''))).toBeNull();
});
