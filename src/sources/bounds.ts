const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** What a notification may be (decision 15). Beyond them it is refused, or the item is a bad one; nothing blocks the others. */
export const bounds = {
  /** Items of a notification. */
  items: 20_000,
  itemBytes: 512 * kibibyte,
  /** Of an item that may hold a picture (Grafana's `embeddedImage`), which is one long text. */
  pictureItemBytes: 4 * mebibyte,
  /** Values and containers of an item: commas and opening brackets outside of text. */
  itemParts: 2000,
  /** The notification without its items. */
  envelopeBytes: mebibyte,
  envelopeParts: 10_000,
  depth: 32,
  /** Labels of an item, and annotations of one. */
  pairs: 128,
  /** Names and values of the labels of an item: each is looked for by filters and search. */
  labelBytes: 128 * kibibyte,
  /** Of a label or an annotation. */
  nameBytes: kibibyte,
  valueBytes: 64 * kibibyte,
  /** Bad items that are kept; the others are counted. */
  badItems: 100,
  /** A bad item, or a body that cannot be used, is kept so far. */
  badBytes: 64 * kibibyte,
  /** The body in `source_events` is kept so far: alerts are in their own rows. */
  keptBodyBytes: 3 * mebibyte,
  groupKeyBytes: 4 * kibibyte,
  /** The sender's id of an alert. */
  externalIdBytes: kibibyte,
} as const;
