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
const path = (status: string, message: string, isReady = 'True'): JsonObject => ({
  conditions: [
    { type: 'Ready', status: isReady, reason: 'PathConflict', message },
    { type: 'PathConflict', status, reason: 'PathConflict', message },
  ],
});

describe('what is told of a change', () => {
  test.each<[string, JsonObject, JsonObject, readonly string[]]>([
    ['it came into use', {}, ready('True', 'Accepted'), ['Normal Ready']],
    ['it is in use still', ready('True', 'Accepted'), ready('True', 'Accepted'), []],
    ['it is not', ready('True', 'Accepted'), ready('False', 'PathConflict'), ['Warning PathConflict']],
    ['for another reason', ready('False', 'InvalidSpec'), ready('False', 'PathConflict'), ['Warning PathConflict']],
    ['it has one path less', ready('True', 'Accepted'), path('True', 'one'), ['Warning PathConflict']],
    ['it has no path', ready('True', 'Accepted'), path('True', 'one', 'False'), ['Warning PathConflict']],
    ['another one wants its path', ready('True', 'Accepted'), path('False', 'one'), ['Warning PathConflict']],
    ['and one more', path('False', 'one'), path('False', 'two'), ['Warning PathConflict']],
    ['the same two', path('False', 'one'), path('False', 'one'), []],
    ['nobody any more', path('False', 'one'), ready('True', 'Accepted'), []],
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
