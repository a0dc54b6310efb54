import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pinOf } from '../../src/agent/mcp/definition.ts';
import type { AgentResources } from './agent-world.ts';
import type { Cleanup } from './cleanup.ts';
import { lookTool, startFaultyMcp } from './faulty-mcp.ts';
import { startVendor } from './vendor.ts';
import type { Vendor, VendorRequest } from './vendor.ts';

/** What each of these says of a pod. */
export interface InjectedTexts {
  readonly label: (pod: string) => string;
  readonly line: (pod: string) => string;
  readonly page: (pod: string) => string;
  readonly runbook: (pod: string) => string;
  readonly mcpAnswer: (pod: string) => string;
  /** Of the tool of the MCP server, for all pods. */
  readonly mcpDescription: string;
}

/** All that a model reads beside the cluster, written by somebody who is no operator. */
export interface InjectedReaders {
  readonly metrics: Vendor;
  readonly logs: Vendor;
  readonly pages: Vendor;
  readonly mcpCalls: () => number;
  readonly runbooks: string;
  /** The lines of a Workflow that has all of them. */
  readonly resources: Pick<AgentResources, 'workflow' | 'step' | 'runtime'>;
}

/** Starts them; each answers whatever it is asked, and writes down what that was. */
export async function startInjectedReaders(
  cleanup: Cleanup,
  pods: readonly string[],
  texts: InjectedTexts,
): Promise<InjectedReaders> {
  const podIn = (text: string): string => /\bweb-\d+\b/.exec(text)?.[0] ?? '';
  const start = async (answer: (request: VendorRequest) => unknown, type = 'application/json'): Promise<Vendor> => {
    const vendor = await startVendor((request) => ({
      status: 200,
      headers: { 'content-type': type },
      body: answer(request),
    }));
    cleanup.defer(() => vendor.stop());
    return vendor;
  };
  const metrics = await start(({ path, query }) => {
    const pod = podIn(query.get('query') ?? query.get('match[]') ?? '');
    const metric = { namespace: 'billing', pod, note: texts.label(pod) };
    if (path === '/api/v1/series') return { status: 'success', data: [metric] };
    const at = Number(query.get('time') ?? query.get('end'));
    const [resultType, values] = path.endsWith('range')
      ? ['matrix', { values: [[at, '1']] }]
      : ['vector', { value: [at, '1'] }];
    return { status: 'success', data: { resultType, result: [{ metric, ...values }] } };
  });
  const logs = await start(({ query }) => {
    const pod = podIn(query.get('query') ?? '');
    const values = [[`${query.get('end')}`, texts.line(pod)]];
    return { status: 'success', data: { resultType: 'streams', result: [{ stream: { pod }, values }] } };
  });
  const pages = await start(({ path }) => `<h1>Status</h1><p>${texts.page(podIn(path))}</p>`, 'text/html');
  const runbooks = cleanup.temporaryFolder('runbooks');
  for (const pod of pods) writeFileSync(join(runbooks, `${pod}.md`), `# About ${pod}\n\n${texts.runbook(pod)}\n`);
  const definition = { ...lookTool, description: texts.mcpDescription };
  const mcp = await startFaultyMcp('none', 'json', { tool: definition, says: texts.mcpAnswer });
  cleanup.defer(() => mcp.stop());
  return {
    metrics,
    logs,
    pages,
    mcpCalls: () => mcp.calls,
    runbooks,
    resources: {
      workflow: `  prometheus: {url: "${metrics.url}"}\n  loki: {url: "${logs.url}"}\n`,
      step: `      scope: {hosts: ["${pages.url}"]}\n`,
      runtime: `    mcpServers: [{name: inventory, url: "${mcp.url}", tools: [{name: look, pin: ${pinOf(definition)}}]}]\n`,
    },
  };
}
