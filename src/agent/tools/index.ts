import { analyze } from './analyze.ts';
import type { ToolDefinition } from './define.ts';
import { kubernetesChanges } from './kubernetes-changes.ts';
import { kubernetesDescribe } from './kubernetes-describe.ts';
import { kubernetesEvents } from './kubernetes-events.ts';
import { kubernetesGet } from './kubernetes-get.ts';
import { kubernetesGraph } from './kubernetes-graph.ts';
import { kubernetesList } from './kubernetes-list.ts';
import { kubernetesLogs } from './kubernetes-logs.ts';

/** All tools of this program, the most useful first. MCP servers have more. */
export const toolDefinitions: readonly ToolDefinition[] = [
  kubernetesDescribe,
  kubernetesLogs,
  kubernetesChanges,
  kubernetesList,
  kubernetesEvents,
  kubernetesGraph,
  analyze,
  kubernetesGet,
];
