import type { KubernetesObject } from '../../core/cluster.ts';
import { closestName } from '../reading/similar-name.ts';

type Labels = Readonly<Record<string, string>>;

/** What a selector that picks nothing most likely means. */
interface Nearest {
  readonly object: KubernetesObject;
  /** Its labels speak for it; otherwise only its name does. */
  readonly byLabels: boolean;
  /** Its name is that of the selector's owner, or begins with it. */
  readonly byName: boolean;
  readonly labels: Labels;
  /** For people, what is otherwise: `app=web and no label env`. */
  readonly differs: string;
}

/** Of objects with labels the one that a selector means, by labels that it shares and by its name; null where none is near. */
export function nearestTo(
  name: string,
  selector: Labels,
  objects: readonly KubernetesObject[],
  labelsOf: (object: KubernetesObject) => Labels = (object) => object.metadata.labels ?? {},
): Nearest | null {
  const scored = objects.map((object) => {
    const labels = labelsOf(object);
    const byLabels = likeness(selector, labels);
    const byName = object.metadata.name === name || object.metadata.name.startsWith(`${name}-`);
    return { object, labels, byLabels, byName, score: byLabels * 2 + (byName ? 1 : 0) };
  });
  const best = scored.toSorted((one, other) => other.score - one.score)[0];
  if (best === undefined || best.score === 0) return null;
  const { object, labels, byName } = best;
  return { object, labels, byName, byLabels: best.byLabels > 0, differs: difference(selector, labels) };
}

/** Parts of the selector that the labels have, or have with another spelling or under another key. */
function likeness(selector: Labels, labels: Labels): number {
  const values = new Set(Object.values(labels));
  return Object.entries(selector).reduce((sum, [key, wanted]) => {
    const has = labels[key];
    if (has === wanted) return sum + 1;
    if (has !== undefined && isAlike(has, wanted)) return sum + 0.8;
    return values.has(wanted) ? sum + 0.6 : sum;
  }, 0);
}

/** Whether two values are the same but for their spelling. */
function isAlike(has: string, wanted: string): boolean {
  const [one, other] = [has, wanted].map((text) => text.toLowerCase().replace(/[_.]/g, '-'));
  return one === other || closestName(other ?? '', [one ?? '']) !== undefined;
}

/** The labels for what the selector asks and does not get. */
function difference(selector: Labels, labels: Labels): string {
  const parts = Object.entries(selector).flatMap(([key, wanted]) => {
    const has = labels[key];
    if (has === wanted) return [];
    if (has !== undefined) return [`${key}=${has}`];
    const other = Object.entries(labels).find(([, value]) => value === wanted);
    return [...(other === undefined ? [] : [`${other[0]}=${wanted}`]), `no label ${key}`];
  });
  return parts.join(' and ');
}
