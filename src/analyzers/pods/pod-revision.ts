import type { KubernetesObject } from '../../core/cluster.ts';
import { change, look, unreadyQuestions } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, EvidenceDraft, FindingDraft, Target } from '../define.ts';
import { commandLineOf } from '../reading/command-line.ts';
import { at, conditionOf, controllerOf, listAt, numberAt, textAt, timeAt } from '../reading/fields.ts';
import { templateSpec } from './placement.ts';
import { containersOf, isReady, podEvidence, podFacts } from './pod-status.ts';
import { quote } from '../reading/quote.ts';
import { ordinalOf } from '../reading/replicas.ts';
import { logOfEndedRun, noLog, saidText } from './run-log.ts';

/** Pods that stay on a broken template, although it was mended: the controller waits for them, or for somebody to delete them. */
export const podRevision = defineAnalyzer({
  name: 'pod-revision',
  kinds: ['pod'],
  explains: [],
  categories: {
    'stuck-on-old-revision': {
      meaning:
        'A pod keeps a broken template, and the controller does not replace it: it waits for it to be ready, or to be deleted.',
      happened: 'kept a broken template',
      nearness: 97,
      answers: [...unreadyQuestions, 'exits'],
      changes: null,
      advice: (draft, { namespace, pod }) => [
        look(
          `kubectl -n ${namespace} get pod ${pod} -L controller-revision-hash`,
          `Shows that the pod has not the revision${draft.facts['update_revision'] === undefined ? '' : ` ${draft.facts['update_revision']}`} that its set has now.`,
        ),
        change(
          `kubectl -n ${namespace} delete pod ${pod}`,
          'The controller makes it again from the template of today; until then it leaves it as it is.',
        ),
      ],
    },
  },
  async run(io, target) {
    const pod = target.object;
    const owner = controllerOf(pod);
    if (isReady(pod) || pod.metadata.deletionTimestamp !== undefined) return [];
    // With every container ready it is its node that is lost, or a gate that is closed.
    if (containersOf(pod).every(({ init, ready }) => init || ready)) return [];
    if (owner?.kind === 'DaemonSet') {
      const set = await setOf(io, target, 'daemonset', owner.name);
      return set === null || !isOnDelete(set) ? [] : mendedOnly(io, target, { set, kind: 'daemonset' }, '');
    }
    if (owner?.kind !== 'StatefulSet') return [];
    const set = await setOf(io, target, 'statefulset', owner.name);
    const own = pod.metadata.labels?.['controller-revision-hash'] ?? '';
    const wanted = textAt(set, 'status', 'updateRevision');
    if (set === null || own === '' || wanted === '' || own === wanted) return [];
    if (isOnDelete(set)) return mendedOnly(io, target, { set, kind: 'statefulset' }, wanted);
    if (!waitsForIt(set, target.name)) return [];
    const differs = imagesThatDiffer(pod, set);
    const text = `Pod ${target.name} has the old revision ${own} of StatefulSet ${owner.name}${differs === '' ? '' : ` (${differs})`} and is not ready. The template was changed to revision ${wanted} since, but the controller waits for the pod to be ready and does not replace it: it has to be deleted by hand.`;
    return [findingOf(target, { set, kind: 'statefulset' }, text, wanted)];
  },
});

interface OwningSet {
  readonly set: KubernetesObject;
  readonly kind: 'statefulset' | 'daemonset';
}

async function setOf(
  io: AnalyzerIo,
  { namespace }: Target,
  kind: OwningSet['kind'],
  name: string,
): Promise<KubernetesObject | null> {
  const result = await io.get(kind, namespace, name);
  return result.kind === 'ok' ? result.value : null;
}

function findingOf(
  target: Target,
  { set, kind }: OwningSet,
  text: string,
  wanted: string,
  more: readonly EvidenceDraft[] = [],
): FindingDraft<'stuck-on-old-revision'> {
  const pod = target.object;
  return {
    category: 'stuck-on-old-revision',
    severity: 'high',
    object: objectName('pod', target.namespace, target.name),
    description: text,
    cause: text,
    decisive: true,
    when: {
      from: conditionOf(pod, 'Ready')?.since ?? timeAt(pod, 'metadata', 'creationTimestamp'),
      until: null,
      source: 'condition Ready',
    },
    facts: {
      ...podFacts(pod),
      revision: pod.metadata.labels?.['controller-revision-hash'] ?? '',
      ...(wanted === '' ? {} : { update_revision: wanted }),
    },
    evidence: [
      podEvidence(target),
      {
        read: { kind: 'object', of: kind, namespace: target.namespace, name: set.metadata.name },
        excerpt: `updateStrategy: ${textAt(set, 'spec', 'updateStrategy', 'type') || 'RollingUpdate'}\nupdateRevision: ${wanted || 'not told'}\ncurrentRevision: ${textAt(set, 'status', 'currentRevision') || 'not told'}`,
      },
      ...more,
    ],
  };
}

const isOnDelete = (set: KubernetesObject): boolean => textAt(set, 'spec', 'updateStrategy', 'type') === 'OnDelete';

/**
 * With updateStrategy OnDelete pods keep old templates on purpose: the old template is at fault only where a container fails
 * for something in it that the template of today has no more.
 */
async function mendedOnly(
  io: AnalyzerIo,
  target: Target,
  owning: OwningSet,
  wanted: string,
): Promise<readonly FindingDraft<'stuck-on-old-revision'>[]> {
  const pods = containersOf(target.object).filter(({ waiting }) => waiting !== null);
  for (const container of pods) {
    const ending = container.terminated ?? container.last;
    const log = ending === null ? noLog : await logOfEndedRun(io, target, container, ending);
    const said = `${container.waiting?.message ?? ''} ${ending?.message ?? ''} ${log.telling?.text ?? ''}`;
    const blamed = blamedWord(container.spec, newSpecOf(owning.set, container.name), said);
    if (blamed === '') continue;
    const word = owning.kind === 'daemonset' ? 'DaemonSet' : 'StatefulSet';
    const text = `Pod ${target.name} has an old template of ${word} ${owning.set.metadata.name}, and container ${container.name} fails for something in it that the template of today has no more: ${quote(blamed, 120)}.${saidText(log.telling)} With updateStrategy OnDelete the controller does not replace the pod: it has to be deleted by hand.`;
    return [findingOf(target, owning, text, wanted, log.evidence)];
  }
  return [];
}

function newSpecOf(set: KubernetesObject, container: string): unknown {
  const spec = templateSpec(set);
  return [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')].find(
    (one) => textAt(one, 'name') === container,
  );
}

/** What the words of a failure name out of a container's old spec, and its new one does not have; empty where there is no such. */
function blamedWord(before: unknown, after: unknown, said: string): string {
  if (after === undefined) return '';
  const now = new Set(namesIn(after));
  const gone = namesIn(before).filter((name) => name.length >= 4 && !now.has(name));
  return gone.find((name) => hasWord(said, name)) ?? '';
}

/** What a container's spec calls by name: its image, options, variables, and where those come from. Never a value. */
function namesIn(spec: unknown): readonly string[] {
  const options = commandLineOf(spec).flatMap((word) =>
    [...word.matchAll(/(?<=^|\s)--?([\w.-]+)/g)].map(([, name = '']) => name),
  );
  const sources = [...listAt(spec, 'env').map((one) => at(one, 'valueFrom')), ...listAt(spec, 'envFrom')];
  return [
    textAt(spec, 'image'),
    ...options,
    ...listAt(spec, 'env').map((one) => textAt(one, 'name')),
    ...sources.flatMap((source) =>
      ['secretKeyRef', 'configMapKeyRef', 'secretRef', 'configMapRef'].map((kind) => textAt(source, kind, 'name')),
    ),
  ];
}

/** Whether it stands in a text as a word of its own. */
function hasWord(text: string, word: string): boolean {
  const start = text.indexOf(word);
  if (start < 0) return false;
  return ![text[start - 1], text[start + word.length]].some((character) => /\w/.test(character ?? ''));
}

/** Whether the set rolls out by itself, in order, and down to this pod. */
function waitsForIt(set: KubernetesObject, pod: string): boolean {
  const partition = numberAt(set, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  return textAt(set, 'spec', 'podManagementPolicy') !== 'Parallel' && ordinalOf(pod) >= partition;
}

/** `nginx: the pod has image nginx:1.99, the template nginx:1.27`. */
function imagesThatDiffer(pod: KubernetesObject, set: KubernetesObject): string {
  const template = listAt(templateSpec(set), 'containers');
  return listAt(pod, 'spec', 'containers')
    .flatMap((container) => {
      const name = textAt(container, 'name');
      const now = template.find((one) => textAt(one, 'name') === name);
      const [image, fresh] = [textAt(container, 'image'), textAt(now, 'image')];
      return now === undefined || image === fresh ? [] : [`${name}: the pod has image ${image}, the template ${fresh}`];
    })
    .join('; ');
}
