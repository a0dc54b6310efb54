import { look } from './advice.ts';
import { defineAnalyzer, lasting, objectName } from './define.ts';
import type { FindingDraft } from './define.ts';
import { mapAt, plural } from './fields.ts';
import { isReady } from './pod-status.ts';

/** Services that send their traffic nowhere: no pod has their labels, or none of those is ready. */
export const service = defineAnalyzer({
  name: 'service',
  kinds: ['service'],
  explains: [],
  categories: {
    'no-endpoints': {
      meaning: 'A Service sends its traffic nowhere.',
      nearness: 64,
      answers: ['service'],
      changes: null,
      advice: (_, { namespace }) => [
        look(`kubectl -n ${namespace} get pods --show-labels`, 'Shows which labels the pods really have.'),
      ],
    },
  },
  async run(io, target) {
    const selector = Object.entries(mapAt(target.object, 'spec', 'selector'));
    if (selector.length === 0) return [];
    const pods = await io.list('pods', target.namespace);
    if (pods.kind !== 'ok') return [];
    const selected = pods.value.filter((pod) =>
      selector.every(([name, value]) => pod.metadata.labels?.[name] === value),
    );
    if (selected.some(isReady)) return [];
    const wanted = selector.map(([name, value]) => `${name}=${value}`).join(',');
    const none = selected.length === 0;
    const finding: FindingDraft<'no-endpoints'> = {
      category: 'no-endpoints',
      severity: 'high',
      object: objectName('service', target.namespace, target.name),
      description: none
        ? `Service ${target.name} selects ${wanted} and no pod has these labels.`
        : `Service ${target.name} has no ready pod: it selects ${plural(selected.length, 'pod')} and none is ready.`,
      cause: none ? `Service ${target.name} selects ${wanted}, and no pod in its namespace has these labels.` : null,
      decisive: none,
      when: lasting,
      facts: { selector: wanted, pods: String(selected.length) },
      evidence: [
        {
          read: { kind: 'object', of: 'service', namespace: target.namespace, name: target.name },
          excerpt: `selector: ${wanted}`,
        },
        {
          read: { kind: 'list', resource: 'pods', namespace: target.namespace },
          excerpt:
            pods.value
              .slice(0, 30)
              .map(
                (pod) =>
                  `${pod.metadata.name}: ${isReady(pod) ? 'ready' : 'not ready'}, labels ${labelText(pod.metadata.labels)}`,
              )
              .join('\n') || 'there are no pods',
        },
      ],
    };
    return [finding];
  },
});

function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  return (
    Object.entries(labels ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join(',') || 'none'
  );
}
