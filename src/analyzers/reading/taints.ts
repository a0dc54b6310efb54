import type { KubernetesObject } from '../../core/cluster.ts';
import { listAt, textAt } from './fields.ts';

/** The taints of a node that keep pods of this spec away from it. */
export function untolerated(spec: unknown, node: KubernetesObject): readonly unknown[] {
  const tolerations = listAt(spec, 'tolerations');
  return listAt(node, 'spec', 'taints').filter(
    (one) =>
      textAt(one, 'effect') !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, one)),
  );
}

function tolerates(toleration: unknown, taint: unknown): boolean {
  const effect = textAt(toleration, 'effect');
  if (effect !== '' && effect !== textAt(taint, 'effect')) return false;
  const key = textAt(toleration, 'key');
  if (textAt(toleration, 'operator') === 'Exists') return key === '' || key === textAt(taint, 'key');
  return key === textAt(taint, 'key') && textAt(toleration, 'value') === textAt(taint, 'value');
}

/** `dedicated=batch:NoSchedule`, as kubectl writes it. */
export function taintText(taint: unknown): string {
  const value = textAt(taint, 'value');
  return `${textAt(taint, 'key')}${value === '' ? '' : `=${value}`}:${textAt(taint, 'effect')}`;
}
