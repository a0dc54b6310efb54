import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { findSink, sinks } from './index.ts';

function bare(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? bare(schema.unwrap() as z.ZodType)
    : schema;
}

describe('sinks', () => {
  test('types are unique and found by name', () => {
    for (const sink of sinks) expect(findSink(sink.type)).toBe(sink);
    expect(new Set(sinks.map(({ type }) => type)).size).toBe(sinks.length);
    expect(findSink('toString')).toBeUndefined();
  });

  test('the contract has these types', () => {
    expect(sinks.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        'slack',
        'alertmanager',
        'prometheus',
        'jira',
        'pagerduty',
        'workflow',
        'stdout',
        'webhook',
      ]),
    );
  });

  test('a field name that two types share has one schema, and every field is described', () => {
    const seen = new Map<string, string>();
    for (const { config } of sinks) {
      for (const [name, schema] of Object.entries<z.ZodType>(config.shape)) {
        const { description, ...shape } = z.toJSONSchema(bare(schema), { io: 'input' });
        expect([name, seen.get(name) ?? JSON.stringify(shape)]).toEqual([name, JSON.stringify(shape)]);
        seen.set(name, JSON.stringify(shape));
        const text = z.toJSONSchema(schema, { io: 'input' }).description ?? description;
        expect([name, text]).toEqual([name, expect.stringMatching(/./)]);
      }
    }
  });

  test.each([
    [
      'slack',
      { channel: '#alerts', botToken: 'slack-token', messageType: 'thread', mentionUsers: ['@oncall'] },
      { botToken: 'x' },
    ],
    [
      'alertmanager',
      { endpoint: 'http://am:9093', action: 'annotate' },
      { endpoint: 'http://am:9093', action: 'trigger' },
    ],
    ['prometheus', { pushgateway: 'http://push:9091', job: 'fist', metrics: { runs: '1' } }, { job: 'x' }],
    ['jira', { endpoint: 'https://jira.example', project: 'OPS', credentialsSecret: 'jira' }, { project: 'OPS' }],
    ['pagerduty', { routingKey: 'pd', action: 'resolve' }, { routingKey: 'pd', action: 'silence' }],
    ['workflow', { workflowName: 'fix', triggerCondition: '{{ .x }}', context: { a: 'b' } }, {}],
  ])('%s checks its config', (type, good, bad) => {
    const config = findSink(type)?.config;
    expect(config?.safeParse(good).success).toBe(true);
    expect(config?.safeParse(bad).success).toBe(false);
  });
});
