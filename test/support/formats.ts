import type { Format } from '../../src/sources/formats/define.ts';
import type { NotificationSettings } from '../../src/sources/notification.ts';

/** A Source of one format, without a mapping. */
export function only(format: Format): NotificationSettings {
  return { formats: [format], mapping: null, items: [] };
}
