import type { AlertItem, Labels } from '../../core/alert.ts';
import type { Timestamp } from '../../core/time.ts';
import type { Turns } from '../../lib/turns.ts';
import type { SourceRequest } from '../define.ts';
import type { ParsedBody, Refusal } from '../envelope.ts';
import type { Mapping } from '../mapping.ts';
import type { Wrong } from '../pairs.ts';
import type { Reading } from '../reading.ts';

/** What a format says of a body beside its alerts. */
export interface Correlation {
  readonly groupKey: string | null;
  readonly receiver: string | null;
  readonly truncatedAlerts: number;
  /** The sender's id of this delivery, where the format has one; null = none. */
  readonly deliveryKey: string | null;
}

/** Of a format that says nothing of the kind. */
export const noCorrelation: Correlation = { groupKey: null, receiver: null, truncatedAlerts: 0, deliveryKey: null };

/** What a Source says of its bodies beside their format. */
export interface FormatSettings {
  readonly mapping: Mapping | null;
  /** Names of members that lead to the list of items, where there is a mapping. */
  readonly items: readonly string[];
}

/** What reading a body depends on beside it. */
export interface FormatContext {
  readonly request: SourceRequest;
  readonly settings: FormatSettings;
  readonly turns: Turns;
}

/** A wire format of webhook Sources. A new one is its file, its test, one line in index.ts and one example. */
export interface Format {
  readonly name: string;
  /** One sentence, for the generated reference. */
  readonly description: string;
  /** Of its bodies, without parameters, in lower case. */
  readonly mediaTypes: readonly string[];
  /** Whether a Source may, or must, say with a mapping what an alert is. */
  readonly mapping: 'none' | 'optional' | 'required';
  /** Whether a body may be the list of all that fires; else it tells of what happened. */
  readonly isState: boolean;
  /** Names of members that lead to the list of its items in a body that is no list itself. */
  list(settings: FormatSettings, request: SourceRequest): readonly string[];
  /** What senders of it put behind the path that they are given: `/api/v2/alerts`. */
  readonly subpaths: readonly string[];
  /** Whether the headers say that the body is in this format, so that no other one is tried; absent = they never do. */
  readonly isMeant?: (request: SourceRequest) => boolean;
  /** Why a body is not in this format, by what stands beside its items and by the first of them; null = it may be. */
  differs(body: ParsedBody, settings: FormatSettings, request: SourceRequest): Wrong | null;
  /** Reads the items into `reading`. A refusal where the body as a whole cannot be used. */
  read(body: ParsedBody, reading: Reading, context: FormatContext): Promise<Refusal | Correlation>;
}

/** An alert that was read, and what it had in places where an alert has something else. */
export interface ReadAlert {
  readonly item: AlertItem;
  readonly unread: readonly Wrong[];
}

/** The parts of an alert that formats find; the rest follows from them. */
export interface AlertParts {
  readonly status: AlertItem['status'];
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly generatorUrl: string | null;
  readonly externalId: string | null;
  readonly startsAt: Timestamp | null;
  readonly endsAt: Timestamp | null;
  readonly skewed: boolean;
}
