import { objectOf } from '../core/json.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { JsonObject } from '../core/json.ts';
import type { DeliveryReader } from '../core/delivery-store.ts';
import type { KnownReferences } from './define.ts';

export const nothingKnown: KnownReferences = { own: null, open: null, closed: null, incident: null };

/**
 * What the receiver called what it was told before. Deliveries of one alert to a Sink come one after the other, so that it is
 * final when this one is claimed.
 */
export async function knownReferences(
  deliveries: DeliveryReader,
  delivery: DeliveryRecord,
  { payload }: { readonly payload: JsonObject },
): Promise<KnownReferences> {
  const earlier = await deliveries.earlierReference(delivery);
  const teller = tellerOf(payload);
  return {
    own: delivery.reference,
    open: earlier?.isOpen === true ? earlier.reference : null,
    closed: earlier?.isOpen === false ? earlier.reference : null,
    incident: teller === null ? null : await deliveries.referenceOfRun(delivery, teller),
  };
}

/** The run whose report told the cause. */
function tellerOf({ sameAs }: JsonObject): string | null {
  const { id } = objectOf(objectOf(sameAs)['run']);
  return typeof id === 'string' ? id : null;
}
