import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { api } from './api.ts';
import type { CompiledSource } from './define.ts';
import { sourceDefinitions } from './index.ts';
import { webhook } from './webhook.ts';

function compile(config: object): CompiledSource {
  return webhook.compile(webhook.config.parse({ path: '/webhook/alerts', ...config }));
}

describe('source types', () => {
  test('those of the contract, each described for the reference', () => {
    expect(sourceDefinitions.map(({ type }) => type)).toEqual(['webhook', 'chat', 'schedule', 'api', 'kubernetes']);
    for (const { type, description, config } of sourceDefinitions) {
      expect(description, type).not.toBe('');
      const properties = z.toJSONSchema(config, { io: 'input' }).properties ?? {};
      for (const [name, schema] of Object.entries(properties)) {
        expect((schema as { description?: string }).description, `${type}.${name}`).toBeTruthy();
      }
    }
  });

  test.each([
    ['chat', { platform: 'slack', trigger: 'command', channel: '#ops', command: '/investigate' }],
    ['schedule', { cron: '*/5 * * * *' }],
    ['schedule', { cron: '@daily', timezone: 'Europe/Berlin' }],
    ['api', { endpoint: '/alerts', method: 'POST' }],
    ['kubernetes', { resource: 'pods', event: 'added', labelSelector: 'app=x' }],
  ])('the contract config of %s is valid', (type, config) => {
    const definition = sourceDefinitions.find((candidate) => candidate.type === type);
    expect(definition?.config.safeParse(config).success).toBe(true);
    expect(definition?.config.safeParse({ ...config, unknownField: 1 }).success).toBe(false);
  });

  test('an api Source for another place or method is refused', () => {
    expect(api.config.safeParse({ endpoint: '/other' }).success).toBe(false);
    expect(api.config.safeParse({ method: 'GET' }).success).toBe(false);
  });
});

describe('webhook', () => {
  test.each(['alerts', '/alerts', 'webhook/alerts', '/webhook/alerts'])('path %s is alerts', (path) => {
    expect(compile({ path }).path).toBe('alerts');
  });

  test.each(['', '/', '/webhook/', 'a b', '../x', 'a?b', 'a#b'])('path %j is refused', (path) => {
    expect(webhook.config.safeParse({ path }).success).toBe(false);
  });

  test('no filters accept everything', () => {
    expect(compile({}).accepts({})).toBeNull();
    expect(compile({ filters: {}, matchers: [] }).accepts({})).toBeNull();
  });

  test('filters: every name must exist and its value be listed', () => {
    const { accepts } = compile({ filters: { severity: ['critical', 'warning'], alertname: ['A'] } });
    expect(accepts({ severity: 'warning', alertname: 'A' })).toBeNull();
    expect(accepts({ severity: 'info', alertname: 'A' })?.reason).toBe('FilterMismatch');
    expect(accepts({ severity: 'warning' })?.reason).toBe('FilterMismatch');
    expect(compile({ filters: { constructor: [''] } }).accepts({})?.reason).toBe('FilterMismatch');
  });

  test.each([['severity=~"critical|warning",team!="test"'], [['severity=~"critical|warning"', 'team!="test"']]])(
    'matchers %j',
    (matchers) => {
      const { accepts } = compile({ matchers });
      expect(accepts({ severity: 'critical' })).toBeNull();
      expect(accepts({ severity: 'info' })?.reason).toBe('MatcherMismatch');
      expect(accepts({ severity: 'critical', team: 'test' })?.reason).toBe('MatcherMismatch');
    },
  );

  test('matchers that do not parse name their field', () => {
    expect(() => compile({ matchers: ['a="b"', 'severity=~"("'] })).toThrow(
      expect.objectContaining({ code: 'InvalidResource', field: 'matchers[1]' }),
    );
    expect(() => compile({ matchers: 'a==' })).toThrow(expect.objectContaining({ field: 'matchers' }));
  });

  test('authentication: a Secret by name, name/key or object', () => {
    const secret = (authentication: object) => compile({ authentication }).authentication?.secrets[0];
    expect(secret({ type: 'bearer', secretRef: 'am' })).toEqual({ name: 'am', key: 'token' });
    expect(secret({ type: 'bearer', secretRef: 'am/password' })).toEqual({ name: 'am', key: 'password' });
    expect(secret({ type: 'bearer', secretKeyRef: { name: 'am', key: 'x' } })).toEqual({ name: 'am', key: 'x' });
    expect(compile({}).authentication).toBeNull();
  });

  test.each([{ type: 'token', secretRef: 'a' }, { type: 'bearer' }, { type: 'bearer', secretRef: 'a b' }])(
    'authentication %j is refused',
    (authentication) => {
      expect(webhook.config.safeParse({ path: 'a', authentication }).success).toBe(false);
    },
  );
});
