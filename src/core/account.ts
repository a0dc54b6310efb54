import type { Condition } from './catalog.ts';
import type { ObjectPlace } from './place.ts';

/** Whether investigations can read with the rights of a ServiceAccount; `message` says what is missing, and what to do. */
export type AccountVerdict = Pick<Condition, 'status' | 'reason' | 'message'>;

/** ServiceAccounts that Workflows name (`clusterAccess` of level custom). */
export interface AccountVerdicts {
  /** As it was found last. */
  verdict(place: ObjectPlace): AccountVerdict;
}
