import { noModelDefaults } from '../../src/agent/models/choose.ts';
import type { ModelWorld } from '../../src/agent/models/open.ts';
import { builtInPrices } from '../../src/agent/models/prices.ts';
import { createModelSlots } from '../../src/agent/models/slots.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createHttpClient } from '../../src/lib/http.ts';

/** What models are opened with: a server that says nothing of models, and no Secrets. */
export function modelWorld(changes: Partial<ModelWorld> = {}): ModelWorld {
  return {
    defaults: noModelDefaults,
    prices: builtInPrices(),
    secret: () => null,
    http: createHttpClient(),
    slots: createModelSlots(),
    clock: systemClock(),
    random: () => 0,
    ...changes,
  };
}
