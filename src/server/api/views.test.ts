import { expect, it } from 'vitest';
import type { AlertRecord } from '../../core/alert.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import type { RunRecord, StepRecord } from '../../core/run.ts';
import { alertView, deliveryView, runView, stepView } from './views.ts';

it('what only workers need is not shown, and everything else is', () => {
  const lease = { fence: 1, leaseOwner: 'host/1', leaseUntil: 'x' };
  expect(runView({ id: 'r', ...lease } as RunRecord)).toEqual({ id: 'r' });
  expect(deliveryView({ id: 'd', attempts: 2, ...lease } as DeliveryRecord)).toEqual({ id: 'd', attempts: 2 });
  expect(stepView({ id: 's', fence: 1, process: null } as StepRecord)).toEqual({ id: 's' });
  expect(alertView({ id: 'a', contentHash: 'h' } as AlertRecord)).toEqual({ id: 'a' });
});
