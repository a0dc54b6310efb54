import type { Labels, Severity } from '../../core/alert.ts';
import { isKubernetesName } from '../../core/cluster.ts';

/** A Kubernetes object by its name. */
export interface Named {
  readonly kind: string;
  /** Empty for one that belongs to the cluster. */
  readonly namespace: string;
  readonly name: string;
}

/** An investigation looks for objects by these labels; `job` is Prometheus's. */
const labelOfKind: Readonly<Record<string, string>> = { job: 'job_name' };

/**
 * Labels of an alert about an object: `alertname`, `severity`, `kind`, `name`, `namespace`, and the one that names its kind,
 * `pod`. The fingerprint is that of all alerts, over the name and these, so it is the same for the same object.
 */
export function labelsOf(alertname: string, severity: Severity, { kind, namespace, name }: Named): Labels {
  const lower = kind.toLowerCase();
  const named = isKubernetesName(name) && /^[a-z]{1,63}$/.test(lower) ? { [labelOfKind[lower] ?? lower]: name } : {};
  return { ...named, alertname, severity, kind, name, ...(namespace === '' ? {} : { namespace }) };
}

/** `Pod shop/web-1`. */
export function titleOf({ kind, namespace, name }: Named): string {
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

/** `Pod/shop/web-1`. */
export function keyOf({ kind, namespace, name }: Named): string {
  return `${kind}/${namespace}/${name}`;
}
