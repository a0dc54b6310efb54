import { describe, expect, it } from 'vitest';
import { hostsOf, selectTools } from './select.ts';
import type { ToolItem } from './select.ts';
import { toolDefinitions } from './index.ts';

const namesOf = (items: readonly ToolItem[]): readonly string[] => selectTools(items).tools.map(({ name }) => name);
const problemsOf = (items: readonly ToolItem[]) =>
  selectTools(items).problems.map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('the tools of a step', () => {
  it('are all where none is named', () => {
    expect(selectTools([])).toMatchObject({ tools: toolDefinitions, endpoints: [], problems: [] });
  });

  it('are named in both forms of the contract, by its names or by our own', () => {
    const kubernetes = toolDefinitions
      .map(({ name }) => name)
      .filter((name) => name.startsWith('kubernetes_') || name === 'analyze');
    expect(namesOf(['kubectl'])).toEqual(kubernetes);
    expect(namesOf([{ name: 'kubectl', description: 'Looks at the cluster.' }])).toEqual(kubernetes);
    expect(namesOf([{ ref: 'promql' }])).toEqual(['prometheus_query_range', 'prometheus_query']);
    expect(namesOf(['loki_query', 'kubernetes_logs'])).toEqual(['kubernetes_logs', 'loki_query']);
    expect(
      problemsOf([
        'kubectl',
        { name: 'promql' },
        { ref: 'curl', endpoint: 'https://a.example.com' },
        'loki',
        'runbooks',
        'past_incidents',
      ]),
    ).toEqual([]);
  });

  it('are none that runs commands, which is said', () => {
    expect(
      problemsOf([
        'script',
        { name: 'script', command: 'df -h' },
        { name: 'bash' },
        { name: 'kubectl', command: 'kubectl delete pod' },
      ]),
    ).toEqual([
      'tools.0: tool script is not offered: the agent has no shell and runs no commands of its own',
      'tools.1.name: tool script is not offered: the agent has no shell and runs no commands of its own',
      'tools.2.name: tool bash is not offered: the agent has no shell and runs no commands of its own',
      'tools.3.command: command is not run: the agent has no shell, its tools take typed input',
    ]);
  });

  it('are all where only what is no tool is named, and a misspelt one is told', () => {
    expect(namesOf(['script'])).toEqual(toolDefinitions.map(({ name }) => name));
    const { problems } = selectTools(['kubctl', { name: 'weather' }, {}]);
    expect(problems.map(({ next }) => next)).toEqual([
      'did you mean kubectl?',
      expect.stringContaining('tools are: kubectl') as string,
      expect.stringContaining('tools are:') as string,
    ]);
  });

  it('take addresses: pages by host, metrics and logs whole', () => {
    const selection = selectTools([
      { name: 'curl', endpoint: 'https://status.example.com/health' },
      { name: 'http_get', endpoint: '{{ .env.STATUS }}' },
      { name: 'promql', endpoint: '{{ .env.PROMETHEUS_URL }}' },
      { name: 'loki', endpoint: 'http://loki:3100' },
      { name: 'kubectl', endpoint: 'http://x' },
    ]);
    expect(selection).toMatchObject({
      endpoints: ['https://status.example.com/health', '{{ .env.STATUS }}'],
      metricsEndpoint: '{{ .env.PROMETHEUS_URL }}',
      logsEndpoint: 'http://loki:3100',
    });
    expect(selection.problems.map(({ message }) => message)).toEqual(['tool kubectl has no endpoint']);
  });
});

it('no alert chooses where requests go', () => {
  const render = (text: string): string =>
    text
      .replace('{{ .env.STATUS }}', 'https://status.example.com:8443/')
      .replace(/\{\{.*\}\}/, 'http://169.254.169.254');
  expect(hostsOf(['https://a.example.com/x', '{{ .env.STATUS }}'], render)).toEqual([
    { protocol: 'https:', hostname: 'a.example.com', port: '443' },
    { protocol: 'https:', hostname: 'status.example.com', port: '8443' },
  ]);
  const templates = [
    '{{ .alert.labels.instance }}',
    'https://{{ .source.data.alert.labels.host }}',
    '{{ with .alert }}{{ .x }}{{ end }}',
    '{{',
    'a.example.com',
    'ftp://a',
    '',
  ];
  for (const template of templates) {
    expect(hostsOf([template], render), template).toEqual([]);
    expect(problemsOf([{ name: 'curl', endpoint: template }]).length, template).toBe(1);
  }
});
