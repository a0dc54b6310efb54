import type { Question, Target } from '../../analyzers/define.ts';
import { objectName } from '../../analyzers/define.ts';
import { containersOf } from '../../analyzers/pods/pod-status.ts';
import { quantityOf, quantityText } from '../../analyzers/reading/quantity.ts';
import { isKubernetesName } from '../../core/cluster.ts';
import type { AlertSnapshot } from '../../core/run.ts';
import type { RankedFinding } from '../findings.ts';
import { isSurrounding, pathTo } from '../graph.ts';
import type { NamedObjects } from '../labels.ts';
import { namedObjects } from '../labels.ts';
import type { Limit } from './measured.ts';

/** A container whose use is looked at. */
export interface ContainerInQuestion {
  readonly namespace: string;
  readonly pod: string;
  readonly name: string;
  /** The pod; null where it could not be read. */
  readonly target: Target | null;
}

/** A claim whose volume is looked at. */
export interface ClaimInQuestion {
  readonly namespace: string;
  readonly name: string;
  /** null where it could not be read. */
  readonly target: Target | null;
  readonly what: 'bytes' | 'inodes';
}

export interface MeasureQuestion {
  readonly alert: AlertSnapshot | null;
  readonly questions: readonly Question[];
  /** What the analyzers found, the most telling first. */
  readonly findings: readonly RankedFinding[];
  /** Objects that are linked to the alert. */
  readonly targets: readonly Target[];
}

/** Containers and claims that are looked at. */
const most = 2;

/** Of the findings about pods those containers, else those that the alert names or leads to. */
export function containersInQuestion(question: MeasureQuestion): readonly ContainerInQuestion[] {
  const { alert, findings, targets } = question;
  const named = alert === null ? null : namedObjects(alert.name, alert.labels);
  const ofTarget = (target: Target, name: string): ContainerInQuestion => ({
    namespace: target.namespace ?? '',
    pod: target.name,
    name,
    target,
  });
  const found = findings.flatMap(({ draft, target }) => {
    const name = draft.facts['container'];
    return target.kind === 'pod' && name !== undefined ? [ofTarget(target, name)] : [];
  });
  const pods = targets.filter((target) => target.kind === 'pod' && isOwn(target));
  const own = pods.filter(({ relation }) => relation === 'alert');
  const linked = (own.length > 0 ? own : pods).flatMap((target) =>
    containersOf(target.object)
      .filter(({ init, name }) => !init && (own.length === 0 || named?.container == null || named.container === name))
      .map(({ name }) => ofTarget(target, name)),
  );
  const all = found.length > 0 ? found : own.length > 0 ? linked : [...unread(named), ...linked];
  const keyOf = ({ namespace, pod, name }: ContainerInQuestion): string => `${namespace}/${pod}/${name}`;
  return all
    .filter((one, index) => all.findIndex((other) => keyOf(other) === keyOf(one)) === index)
    .filter(({ namespace, pod, name }) => [namespace, pod, name].every(isKubernetesName))
    .filter(hasRun)
    .slice(0, most);
}

/** Whether an object is what the alert names or made by it: not what merely runs on its node or in its namespace. */
export function isOwn(target: Target): boolean {
  return !isSurrounding(target) && pathTo(target).every(({ relation }) => relation !== 'holds' && relation !== 'near');
}

/** A container that an alert names whose pod is not there any more: metrics remember it. */
function unread(named: NamedObjects | null): readonly ContainerInQuestion[] {
  if (named === null) return [];
  const { namespace, container, objects } = named;
  const pod = objects.find(({ kind }) => kind === 'pod')?.name;
  if (pod === undefined || namespace === null || container === null) return [];
  return [{ namespace, pod, name: container, target: null }];
}

/** What never ran used nothing, so nothing is missing where there is no series of it. */
function hasRun({ target, name }: ContainerInQuestion): boolean {
  const container = target === null ? null : containersOf(target.object).find((one) => one.name === name);
  return container == null || container.running || container.terminated !== null || container.last !== null;
}

/** Whether it runs now, so that its series go on. */
export function isRunning({ target, name }: ContainerInQuestion): boolean {
  return target !== null && containersOf(target.object).some((one) => one.name === name && one.running);
}

/** Claims that the alert names, where it asks for their volumes. */
export function claimsInQuestion({ alert, questions, targets }: MeasureQuestion): readonly ClaimInQuestion[] {
  if (alert === null || !questions.includes('volume-filling')) return [];
  const what = /inode/i.test(`${alert.name} ${alert.generatorUrl ?? ''}`) ? 'inodes' : 'bytes';
  const { namespace, objects } = namedObjects(alert.name, alert.labels);
  return objects
    .filter(({ kind }) => kind === 'persistentvolumeclaim')
    .flatMap(({ name }): readonly ClaimInQuestion[] => {
      if (namespace === null) return [];
      const isIt = (target: Target): boolean =>
        target.kind === 'persistentvolumeclaim' && target.namespace === namespace && target.name === name;
      return [{ namespace, name, target: targets.find(isIt) ?? null, what }];
    })
    .slice(0, most);
}

/** `pod/shop/web-1`. */
export function podOf({ namespace, pod }: Pick<ContainerInQuestion, 'namespace' | 'pod'>): string {
  return objectName('pod', namespace, pod);
}

/** The limit of a container by its spec; null where it has none, or the pod could not be read. */
export function specLimit({ target, name }: ContainerInQuestion, resource: 'memory' | 'cpu'): Limit | null {
  const container = target === null ? null : containersOf(target.object).find((one) => one.name === name);
  return limitOf(quantityOf(container?.limits[resource] ?? ''), resource);
}

/** A limit in words; none where it is 0. */
export function limitOf(value: number | null, resource: 'memory' | 'cpu'): Limit | null {
  return value === null || value === 0 || !Number.isFinite(value)
    ? null
    : { value, text: quantityText(resource, value) };
}
