/** Bounds how many requests and how many bytes of bodies are in work at a time. */
export interface Admission {
  /** Takes a place; false = full, and nothing was taken. */
  enter(bytes: number): boolean;
  leave(bytes: number): void;
}

export function createAdmission(maxRequests: number, maxBytes: number): Admission {
  let requests = 0;
  let held = 0;
  return {
    enter(bytes) {
      if (requests >= maxRequests || held + bytes > maxBytes) return false;
      requests += 1;
      held += bytes;
      return true;
    },
    leave(bytes) {
      requests -= 1;
      held -= bytes;
    },
  };
}
