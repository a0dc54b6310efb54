import type { AlertSnapshot } from '../core/run.ts';
import { namedObjects } from './labels.ts';

/** Labels that say which of its alerts a rule means, in the order in which they are worth a matcher. */
const telling = [
  'namespace',
  'pod',
  'deployment',
  'statefulset',
  'daemonset',
  'job_name',
  'cronjob',
  'persistentvolumeclaim',
  'node',
  'instance',
] as const;

/**
 * A command that silences the alert for two hours; null for what was asked without an alert. Only values that need no
 * quoting stand in it: it is made to be pasted into a shell.
 */
export function silenceCommand({ name, labels, fingerprint }: AlertSnapshot): string | null {
  if (fingerprint === '' || !isPlain(name)) return null;
  // What an exporter wrote about itself would silence every alert that it measures.
  const named = namedObjects(name, labels);
  const meant = new Set([named.namespace, named.instance, ...named.objects.map((object) => object.name)]);
  const matchers = telling
    .flatMap((label) => [`exported_${label}`, label])
    .flatMap((label) => {
      const value = labels[label] ?? '';
      return isPlain(value) && meant.has(value) ? [`${label}=${value}`] : [];
    });
  return `amtool silence add --duration=2h --comment=investigating alertname=${name} ${matchers.slice(0, 3).join(' ')}`.trim();
}

const isPlain = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,252}$/.test(text);
