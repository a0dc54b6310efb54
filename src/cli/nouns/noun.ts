import type { Listing } from '../output.ts';
import type { FilterName } from './filters.ts';

/** What `fist get` and `fist describe` know of one kind of thing that the API lists. One file per noun or group of nouns. */
export interface Noun<T> {
  /** As the API names its list: `/api/v1/PLURAL`. */
  readonly plural: string;
  readonly singular: string;
  /** Other words for it, shorter ones first. */
  readonly short: readonly string[];
  /** Flags of `fist get` that narrow its list. */
  readonly filters: readonly FilterName[];
  /** Filters that hold unless they are given, or `--all` is. */
  readonly defaults?: Readonly<Partial<Record<FilterName, string>>>;
  /** Why a list is empty and what to do, from what the API says of it. Absent: `listing.empty`. */
  readonly whyEmpty?: (answer: unknown) => string;
  /** What stands after `NOUN/`: an id that the server made, `[NAMESPACE/]NAME`, or nothing: it is only listed. */
  readonly key: 'id' | 'name' | null;
  readonly listing: Listing<T>;
}
