import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import { eventsBetween } from './status-events.ts';

const ready = (status: string, reason: string): JsonObject => ({
  conditions: [{ type: 'Ready', status, reason, message: `because ${reason}` }],
});
const stalled = (message: string): JsonObject => ({
  conditions: [
    { type: 'Ready', status: 'True', reason: 'Accepted', message: 'in use' },
    { type: 'Stalled', status: 'True', reason: 'BrokenEdit', message },
  ],
});

describe('what is told of a change', () => {
  test.each<[string, JsonObject, JsonObject, readonly string[]]>([
    ['it came into use', {}, ready('True', 'Accepted'), ['Normal Ready']],
    ['it is in use still', ready('True', 'Accepted'), ready('True', 'Accepted'), []],
    ['it is not', ready('True', 'Accepted'), ready('False', 'PathConflict'), ['Warning PathConflict']],
    ['for another reason', ready('False', 'InvalidSpec'), ready('False', 'PathConflict'), ['Warning PathConflict']],
    ['a broken edit', ready('True', 'Accepted'), stalled('one'), ['Warning BrokenEdit']],
    ['another one', stalled('one'), stalled('two'), ['Warning BrokenEdit']],
    ['the same', stalled('one'), stalled('one'), []],
    ['a delivery failed', {}, { lastError: '503' }, ['Warning SinkFailed']],
    ['the same error', { lastError: '503' }, { lastError: '503' }, []],
    ['none any more', { lastError: '503' }, {}, []],
  ])('%s', (_name, before, after, expected) => {
    expect(eventsBetween(before, after).map(({ type, reason }) => `${type} ${reason}`)).toEqual(expected);
  });
});
