import { at, listAt, mapAt, textAt } from './fields.ts';

type Labels = Readonly<Record<string, string>>;

/** Whether the selector of a Service picks these labels; an empty one picks nothing. */
export function selectsLabels(selector: Labels, labels: Labels): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}

/** Whether a label selector (`matchLabels` and `matchExpressions`) picks these labels. An empty one picks everything. */
export function matchesLabels(selector: unknown, labels: Labels): boolean {
  const equal = Object.entries(mapAt(selector, 'matchLabels')).every(([key, value]) => labels[key] === value);
  return equal && listAt(selector, 'matchExpressions').every((expression) => holds(expression, labels));
}

function holds(expression: unknown, labels: Labels): boolean {
  const key = textAt(expression, 'key');
  const has = Object.hasOwn(labels, key);
  const listed = has && listAt(expression, 'values').includes(labels[key]);
  const operator = textAt(expression, 'operator');
  if (operator === 'In') return listed;
  if (operator === 'NotIn') return !listed;
  return operator === 'Exists' ? has : operator === 'DoesNotExist' && !has;
}

/** Labels that the pods of a workload get. */
export function templateLabels(workload: unknown): Labels {
  return mapAt(at(workload, 'spec', 'template'), 'metadata', 'labels');
}

/** `app=web,tier=front`; `none` where there are no labels. */
export function labelText(labels: Labels): string {
  return (
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',') || 'none'
  );
}
