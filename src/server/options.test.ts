import { expect, it } from 'vitest';
import { defaultLimits as limits } from './options.ts';

it('all that may be in work leaves connections for who comes new', () => {
  expect(limits.maxWebhooks + limits.maxApiRequests).toBeLessThan(limits.maxConnections / 2);
});

it('a Source alone, which may have half, can send the largest body', () => {
  expect(limits.maxWebhookBodyBytes).toBeLessThanOrEqual(limits.maxWebhookBytes / 2);
  expect(limits.maxBodyBytes).toBeLessThanOrEqual(limits.maxApiBytes);
});

it('a body is found to be slow before its time is over, and a slow one ends before its connection counts as idle', () => {
  expect(limits.paceWindowMs + limits.checkIntervalMs).toBeLessThan(limits.requestTimeoutMs);
  expect(limits.requestTimeoutMs).toBeLessThan(limits.idleTimeoutMs);
  expect(limits.headersTimeoutMs).toBeLessThanOrEqual(limits.requestTimeoutMs);
});

it('the least pace alone would not bring the largest body in time', () => {
  // So that `requestTimeoutMs` stays the bound for who keeps just above the pace.
  expect((limits.minBytesPerSecond * limits.requestTimeoutMs) / 1000).toBeLessThan(limits.maxBodyBytes);
});
