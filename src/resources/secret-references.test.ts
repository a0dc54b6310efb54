import { expect, test } from 'vitest';
import { secretNames } from './secret-references.ts';

test.each([
  [
    'Source',
    {
      type: 'webhook',
      config: { path: 'a', authentication: { type: 'bearer', secretRef: 'am/other', previousSecretRef: 'old' } },
    },
    ['am', 'old'],
  ],
  [
    'Source',
    {
      type: 'webhook',
      config: { path: 'a', authentication: { type: 'bearer', secretKeyRef: { name: 'keyed', key: 'token' } } },
    },
    ['keyed'],
  ],
  [
    'Workflow',
    {
      runtime: {
        llmConfig: { apiKeySecret: 'model', fallbacks: [{ apiKeySecret: 'second/key' }] },
        mcpServers: [{ secretHeaders: { Authorization: 'mcp/header' }, secretEnvironment: { KEY: 'environment' } }],
        environment: { NAME: 'not-a-secret' },
      },
      prometheus: { url: 'http://prometheus', tokenSecret: 'prometheus' },
    },
    ['model', 'second', 'mcp', 'environment', 'prometheus'],
  ],
  [
    'Sink',
    { type: 'webhook', config: { endpointSecret: 'hook', signature: { secretRefs: ['one', 'two/key'] } } },
    ['hook', 'one', 'two'],
  ],
  ['Sink', { type: 'slack', config: { botToken: 'slack', channel: '#alerts' } }, ['slack']],
] as const)('%s: every Secret that is referred to is named', (kind, spec, names) => {
  expect([...secretNames(kind, spec)].sort()).toEqual([...names].sort());
});

test.each([
  null,
  'text',
  7,
  [],
  [[]],
  { config: null },
  { config: { authentication: { secretRef: 7, secretKeyRef: { name: {} } } } },
])('what is no spec names none: %j', (spec) => {
  expect(secretNames('Source', spec)).toEqual([]);
});
