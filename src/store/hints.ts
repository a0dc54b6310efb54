/**
 * What the transactions of one commit made due. A query file sets a flag where it writes a `wake_at` that may be due;
 * the store tells its listeners after the commit and starts anew.
 */
export interface Hints {
  runs: boolean;
  deliveries: boolean;
}
