import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { compileWorkflow } from './compile.ts';

const compiled = (step: string, more = '') =>
  compileWorkflow('shop', 'triage', parse(`{steps: [{name: look, type: agent, goal: why, ${step}}]${more}}`));
const issuesOf = (step: string) =>
  compiled(step).issues.map(({ path, severity, message }) => [path.join('.'), severity, message]);

describe('tools of an agent step', () => {
  test('take both forms of the contract', () => {
    const { accepted, issues } = compiled(
      `tools: [kubectl, {ref: promql}, {name: curl, endpoint: '{{ .env.STATUS }}'}, {name: kubectl, description: reads}]`,
    );
    expect(issues).toEqual([]);
    expect(accepted?.steps[0]?.config['tools']).toHaveLength(4);
  });

  test('are warned about where they do nothing, and the Workflow is used', () => {
    const { accepted, issues } = compiled(`tools: [{name: script, command: df}, kubctl]`);
    expect(accepted).not.toBeNull();
    expect(issues).toEqual([
      {
        path: ['spec', 'steps', 0, 'tools', 0, 'name'],
        severity: 'warning',
        message: 'tool script is not offered: the agent has no shell and runs no commands of its own',
        next: 'put the command into a cli step before this one; its result is .steps.<name>.result in the goal',
      },
      {
        path: ['spec', 'steps', 0, 'tools', 1],
        severity: 'warning',
        message: 'there is no tool "kubctl"',
        next: 'did you mean kubectl?',
      },
    ]);
  });

  test('look where the step says', () => {
    expect(
      issuesOf(
        `scope: {namespaces: [monitoring], cluster: true, hosts: ['https://a.example.com', '{{ .env.STATUS }}']}`,
      ),
    ).toEqual([]);
    expect(
      issuesOf(`scope: {hosts: ['{{ .alert.labels.host }}', a.example.com]}`).map(([path, severity]) => [
        path,
        severity,
      ]),
    ).toEqual([
      ['spec.steps.0.scope.hosts.0', 'warning'],
      ['spec.steps.0.scope.hosts.1', 'warning'],
    ]);
    expect(issuesOf(`scope: {namespaces: ['*']}`)).toEqual([
      [
        'spec.steps.0.scope.namespaces.0',
        'error',
        'spec.steps[0].scope.namespaces[0] must be the name of a namespace, not *',
      ],
    ]);
    expect(issuesOf(`scope: {secrets: true}`)[0]?.[1]).toBe('error');
  });
});

test('metrics and logs of a Workflow stand in its plan', () => {
  const { accepted, issues } = compiled(
    '',
    ', prometheus: {url: "http://prometheus:9090", tokenSecret: prometheus/key}, loki: {url: "https://loki.example.com/a"}',
  );
  expect(issues).toEqual([]);
  expect(accepted?.runtime).toMatchObject({
    prometheus: { url: 'http://prometheus:9090', tokenSecret: 'prometheus/key' },
    loki: { url: 'https://loki.example.com/a', tokenSecret: null },
  });
  expect(compiled('').accepted?.runtime).not.toHaveProperty('prometheus');
  for (const url of ['prometheus:9090', 'http://user:pass@prometheus', 'file:///etc', 'http://p/?x=y'])
    expect(compiled('', `, prometheus: {url: "${url}"}`).accepted, url).toBeNull();
});
