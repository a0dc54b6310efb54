import type { Model } from './model.ts';

/** Gives back a slot that was taken. */
type GiveBack = () => void;

/** Requests under way, by place: a provider that is asked by many runs at once answers none of them in time. */
export interface ModelSlots {
  /** Waits for its turn. Rejects with the signal's reason. */
  take(place: Model['place'], signal: AbortSignal): Promise<GiveBack>;
}

interface Place {
  taken: number;
  /** First come, first served. */
  readonly waiting: Set<() => void>;
}

/** Of one process. */
export function createModelSlots(): ModelSlots {
  const places = new Map<string, Place>();

  function giveBack(name: string, place: Place): void {
    const [next] = place.waiting;
    if (next !== undefined) {
      place.waiting.delete(next);
      next();
      return;
    }
    place.taken -= 1;
    if (place.taken === 0) places.delete(name);
  }

  return {
    async take({ name, slots }, signal) {
      signal.throwIfAborted();
      const place = places.get(name) ?? { taken: 0, waiting: new Set() };
      places.set(name, place);
      if (place.taken < slots) place.taken += 1;
      else await turnAt(place, signal);
      let isHeld = true;
      return () => {
        if (isHeld) giveBack(name, place);
        isHeld = false;
      };
    },
  };
}

function turnAt({ waiting }: Place, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const come = (): void => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const leave = (): void => {
      waiting.delete(come);
      reject(signal.reason as Error);
    };
    waiting.add(come);
    signal.addEventListener('abort', leave, { once: true });
  });
}
