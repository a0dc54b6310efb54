import type { Clock } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import { finishInTurns } from '../lib/turns.ts';
import type { LoadedResources } from '../resources/holder.ts';
import { resourceRecords } from '../resources/records.ts';

/** Keeps `custom_resources` equal to what is loaded, for the API. */
export async function mirrorResources(store: Store, clock: Clock, loaded: LoadedResources): Promise<void> {
  const { lists } = store.read;
  const before = (
    await Promise.all([lists.resources('Source'), lists.resources('Workflow'), lists.resources('Sink')])
  ).flat();
  const records = await finishInTurns(resourceRecords(loaded, before, toTimestamp(clock.now())));
  await store.transaction('resources', (tx) => tx.resources.replaceAll(records));
}
