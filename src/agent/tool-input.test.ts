import { expect, test } from 'vitest';
import { briefDeclarationOf, declarationOf, parseInput } from './tool-input.ts';
import { toolDefinitions } from './tools/index.ts';
import { kubernetesDescribe } from './tools/kubernetes-describe.ts';
import { kubernetesList } from './tools/kubernetes-list.ts';
import { kubernetesLogs } from './tools/kubernetes-logs.ts';

const describeInput = (input: object) => parseInput(kubernetesDescribe, JSON.stringify(input));

test.each([
  ['with its name', { resource: 'job/batch/load-3', name: 'load-3' }],
  ['alone', { resource: 'job/batch/load-3' }],
  ['as the name', { resource: 'job', name: 'job/batch/load-3' }],
  ['twice', { resource: 'job/batch/load-3', name: 'job/batch/load-3' }],
] as const)('an object in the form of the conversation, %s, stands in the fields of its parts', (_, input) => {
  expect(describeInput(input)).toEqual({ value: { resource: 'job', namespace: 'batch', name: 'load-3' } });
});

test('what is given beside such a form stays as it is', () => {
  expect(describeInput({ resource: 'pods', name: 'secret/shop/token', namespace: 'other' })).toEqual({
    value: { resource: 'pods', namespace: 'other', name: 'token' },
  });
  expect(describeInput({ resource: 'secret/shop/token' })).toEqual({
    value: { resource: 'secret', namespace: 'shop', name: 'token' },
  });
  expect(describeInput({ resource: 'node/worker-1' })).toEqual({ value: { resource: 'node', name: 'worker-1' } });
});

test('a subresource is no object: it is left as it is, for the policy to refuse', () => {
  const exec = { resource: 'pods/exec', namespace: 'shop', name: 'web-1' };
  expect(describeInput(exec)).toEqual({ value: exec });
  expect(parseInput(kubernetesList, '{"resource":"pods/exec","namespace":"shop"}')).toMatchObject({
    value: { resource: 'pods/exec' },
  });
  expect(parseInput(kubernetesList, '{"resource":"pod/shop/web-1"}')).toMatchObject({
    value: { resource: 'pod', namespace: 'shop' },
  });
});

test('the pod of a log may be named so as well; other fields may hold what looks like it', () => {
  const input = JSON.stringify({ pod: 'pod/shop/web-1', filter: 'api/v1/pods' });
  expect(parseInput(kubernetesLogs, input)).toMatchObject({
    value: { pod: 'web-1', namespace: 'shop', filter: 'api/v1/pods' },
  });
});

test('in few words a tool has one sentence and the names and types of its fields', () => {
  expect(briefDeclarationOf(kubernetesDescribe)).toEqual({
    name: 'kubernetes_describe',
    description: 'The state of one object in short.',
    input: {
      type: 'object',
      properties: { resource: { type: 'string' }, namespace: { type: 'string' }, name: { type: 'string' } },
      required: ['resource', 'name'],
    },
  });
  const brief = JSON.stringify(briefDeclarationOf(kubernetesLogs));
  expect(brief).toContain('"enum":["both","current","previous"]');
  expect(brief.length).toBeLessThan(JSON.stringify(declarationOf(kubernetesLogs)).length / 3);
});

/** What lets kubectl read another file, speak to another server or as somebody else, as it is called there. */
const options = {
  kubeconfig: '/root/.kube/config',
  server: 'https://evil.example',
  token: 'x',
  as: 'system:admin',
  asGroup: 'system:masters',
  raw: '/api/v1/secrets',
  filename: '/etc/passwd',
  output: 'go-template-file=/etc/passwd',
  template: '/etc/passwd',
  context: 'prod',
  flags: '--raw=/api/v1/secrets',
  args: '-A',
} as const;

test.each(toolDefinitions.map((tool) => [tool.name, tool] as const))(
  'options of kubectl are no fields of %s (R8)',
  (_, tool) => {
    for (const [field, value] of Object.entries(options)) {
      const parsed = parseInput(tool, JSON.stringify({ namespace: 'shop', [field]: value }));
      expect([field, 'problem' in parsed && parsed.problem.includes(`"${field}"`)]).toEqual([field, true]);
    }
  },
);
