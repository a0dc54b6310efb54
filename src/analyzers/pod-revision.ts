import type { KubernetesObject } from '../core/cluster.ts';
import { change, look, unreadyQuestions } from './advice.ts';
import { defineAnalyzer, objectName } from './define.ts';
import type { FindingDraft } from './define.ts';
import { conditionOf, controllerOf, listAt, numberAt, textAt, timeAt } from './fields.ts';
import { templateSpec } from './placement.ts';
import { containersOf, isReady, podEvidence, podFacts } from './pod-status.ts';

/** Pods of a StatefulSet that stay on a broken template, although it was mended: the controller waits for them. */
export const podRevision = defineAnalyzer({
  name: 'pod-revision',
  kinds: ['pod'],
  explains: [],
  categories: {
    'stuck-on-old-revision': {
      meaning:
        'A pod of a StatefulSet keeps a broken template, and the controller does not replace it before it is ready.',
      nearness: 97,
      answers: [...unreadyQuestions, 'exits'],
      changes: null,
      advice: (draft, { namespace, pod }) => [
        look(
          `kubectl -n ${namespace} get pod ${pod} -L controller-revision-hash`,
          `Shows that the pod has not the revision ${draft.facts['update_revision']} of its set.`,
        ),
        change(
          `kubectl -n ${namespace} delete pod ${pod}`,
          'The controller makes it again from the template of today; until then it waits for it to be ready.',
        ),
      ],
    },
  },
  async run(io, target) {
    const pod = target.object;
    const owner = controllerOf(pod);
    if (owner?.kind !== 'StatefulSet' || isReady(pod) || pod.metadata.deletionTimestamp !== undefined) return [];
    // With every container ready it is its node that is lost, or a gate that is closed.
    if (containersOf(pod).every(({ init, ready }) => init || ready)) return [];
    const result = await io.get('statefulset', target.namespace, owner.name);
    if (result.kind !== 'ok' || result.value === null || !waitsForIt(result.value, target.name)) return [];
    const set = result.value;
    const own = pod.metadata.labels?.['controller-revision-hash'] ?? '';
    const wanted = textAt(set, 'status', 'updateRevision');
    if (own === '' || wanted === '' || own === wanted) return [];
    const differs = imagesThatDiffer(pod, set);
    const text = `Pod ${target.name} has the old revision ${own} of StatefulSet ${owner.name}${differs === '' ? '' : ` (${differs})`} and is not ready. The template was changed to revision ${wanted} since, but the controller waits for the pod to be ready and does not replace it: it has to be deleted by hand.`;
    const finding: FindingDraft<'stuck-on-old-revision'> = {
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
      facts: { ...podFacts(pod), revision: own, update_revision: wanted },
      evidence: [
        podEvidence(target),
        {
          read: { kind: 'object', of: 'statefulset', namespace: target.namespace, name: owner.name },
          excerpt: `updateRevision: ${wanted}\ncurrentRevision: ${textAt(set, 'status', 'currentRevision')}`,
        },
      ],
    };
    return [finding];
  },
});

/** Whether the set rolls out by itself, in order, and down to this pod. */
function waitsForIt(set: KubernetesObject, pod: string): boolean {
  const partition = numberAt(set, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  return (
    textAt(set, 'spec', 'updateStrategy', 'type') !== 'OnDelete' &&
    textAt(set, 'spec', 'podManagementPolicy') !== 'Parallel' &&
    Number(/-(\d+)$/.exec(pod)?.[1] ?? 0) >= partition
  );
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
