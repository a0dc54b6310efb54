import type { ToolDefinition } from './define.ts';
import { kubernetesGet } from './kubernetes-get.ts';
import { kubernetesList } from './kubernetes-list.ts';
import { kubernetesLogs } from './kubernetes-logs.ts';

/** All tools of this program, the most useful first. MCP servers have more. */
export const toolDefinitions: readonly ToolDefinition[] = [kubernetesLogs, kubernetesList, kubernetesGet];
