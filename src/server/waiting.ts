/** Counts who waits for something that others bring about, each holding a request open. */
export interface Waiting {
  /** false = there are as many as may: answer at once. */
  enter(): boolean;
  leave(): void;
}

const mostWaiting = 32;

/** Of one kind of requests; what is held counts until it is left. */
export function createWaiting(): Waiting {
  let count = 0;
  return {
    enter() {
      if (count >= mostWaiting) return false;
      count += 1;
      return true;
    },
    leave: () => void (count -= 1),
  };
}
