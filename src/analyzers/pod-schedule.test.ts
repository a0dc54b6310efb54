import { describe, expect, test } from 'vitest';
import { analyze as analyzeObject } from '../../test/support/analyze.ts';
import { eventObject, podObject } from '../../test/support/memory-cluster.ts';
import type { MemoryOptions, Objects } from '../../test/support/memory-cluster.ts';
import type { Analyzer, FindingDraft } from './define.ts';
import { podSchedule } from './pod-schedule.ts';

const about = { kind: 'Pod', name: 'web-1' };

const analyze = async (
  analyzer: Analyzer,
  pod: object,
  objects: Objects = {},
  options: MemoryOptions = {},
): Promise<readonly FindingDraft[]> => analyzeObject(analyzer, 'pod', pod, objects, options);

describe('pod-schedule', () => {
  const message = '0/2 nodes are available: 2 Insufficient memory. preemption: 0/2 nodes are available';
  const pending = podObject('web-1', {
    spec: { nodeName: undefined },
    status: {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      containerStatuses: [],
    },
  });

  test('pending: the words of the scheduler, what is asked for, and what the nodes have', async () => {
    const nodes = [
      {
        metadata: { name: 'n1' },
        status: { allocatable: { cpu: '8', memory: '32Gi' }, conditions: [{ type: 'Ready', status: 'True' }] },
      },
    ];
    const [finding] = await analyze(podSchedule, pending, {
      nodes,
      events: [eventObject(about, 'FailedScheduling', message)],
    });
    expect(finding).toMatchObject({
      category: 'pending',
      severity: 'high',
      decisive: true,
      facts: { reason: 'Unschedulable', requests: 'memory 128Mi (container app)' },
    });
    expect(finding?.cause).toBe(
      'No node can take pod web-1: 0/2 nodes are available: 2 Insufficient memory. The pod asks for memory 128Mi (container app).',
    );
    expect(finding?.description).toContain('is Pending for 1h and on no node (Unschedulable)');
    expect(finding?.evidence.map((evidence) => evidence.read.kind)).toEqual(['object', 'events', 'list']);
    expect(finding?.evidence.at(-1)?.excerpt).toBe('n1: Ready, allocatable cpu=8 memory=32Gi pods=?');
  });

  test('no word of the scheduler: nothing is claimed', async () => {
    const silent = podObject('web-1', {
      spec: { nodeName: undefined },
      status: { phase: 'Pending', conditions: [], containerStatuses: [] },
    });
    expect((await analyze(podSchedule, silent))[0]).toMatchObject({ cause: null, decisive: false });
  });

  test('evicted, with the node and its message', async () => {
    const evicted = podObject('web-1', {
      status: {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 9Gi. ',
      },
    });
    const [finding] = await analyze(podSchedule, evicted);
    expect(finding).toMatchObject({
      category: 'evicted',
      severity: 'high',
      decisive: true,
      facts: { node: 'n1' },
      cause: 'Pod web-1 was ended by its node (Evicted): The node was low on resource: ephemeral-storage.',
    });
  });
});
