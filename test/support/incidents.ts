import { readFileSync } from 'node:fs';
import { repositoryRoot } from './processes.ts';

// The recorded incident of examples/oom-crash-loop, for tests of a server over its cluster.

export const oomExample = `${repositoryRoot}examples/oom-crash-loop`;

interface RecordedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
}

const { alerts } = JSON.parse(readFileSync(`${oomExample}/alert.json`, 'utf8')) as {
  readonly alerts: readonly [RecordedAlert];
};

export const [oomAlert] = alerts;

/** What the labels of its alert say of the pod. */
export const oomPod = {
  namespace: 'shop',
  pod: 'checkout-5577bf7884-59zsl',
  container: 'checkout',
  severity: 'warning',
};

/** For `firing`: when its alert began, by the clock of the cluster. One that begins later is explained by half only. */
export const oomStart = { startsAt: oomAlert.startsAt };
