import type { AlertRecord } from '../../core/alert.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import type { RunRecord, StepRecord } from '../../core/run.ts';
import type { AlertSummary, DeliverySummary, RunSummary } from '../../core/lists.ts';

// What the API shows of a record: all of it but what only workers need.

export function alertView<T extends AlertSummary | AlertRecord>(alert: T): Omit<T, 'contentHash'> {
  const { contentHash: _contentHash, ...view } = alert;
  return view;
}

export function runView<T extends RunSummary | RunRecord>(run: T): Omit<T, 'fence' | 'leaseOwner' | 'leaseUntil'> {
  const { fence: _fence, leaseOwner: _leaseOwner, leaseUntil: _leaseUntil, ...view } = run;
  return view;
}

export function stepView(step: StepRecord): Omit<StepRecord, 'fence' | 'process'> {
  const { fence: _fence, process: _process, ...view } = step;
  return view;
}

/** What only workers need of a delivery. */
type WorkersPart = 'fence' | 'leaseOwner' | 'leaseUntil' | 'sortKey' | 'rendered';

export function deliveryView<T extends DeliverySummary | DeliveryRecord>(delivery: T): Omit<T, WorkersPart> {
  const hidden: ReadonlySet<string> = new Set<WorkersPart>([
    'fence',
    'leaseOwner',
    'leaseUntil',
    'sortKey',
    'rendered',
  ]);
  return Object.fromEntries(Object.entries(delivery).filter(([field]) => !hidden.has(field))) as Omit<T, WorkersPart>;
}
