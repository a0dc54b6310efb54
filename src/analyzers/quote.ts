import { oneLine } from '../lib/printable.ts';

/**
 * Text that speaks to whoever reads it instead of telling what the program does: attempts to instruct an investigator,
 * and images or links in Markdown. It stays in the evidence and is never quoted elsewhere.
 */
const speaksToReader =
  /\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|earlier|all|instructions?|rules?)\b|\binstructions?:|\byou are (?:now|a|an|the)\b|\b(?:system|assistant|developer) ?(?:prompt|message|:\s)|\bdo not (?:mention|report|tell|reveal)|\broot cause (?:is|was)\b|\bconfidence\b.{0,12}\d|\b(?:run|execute) kubectl\b|!\[[^\]]{0,200}\]\(|\[[^\]]{1,200}\]\(https?:|<\/?(?:img|script|iframe|svg|style|link|meta|object|a)\b/i;

/** Whether text from the cluster may be quoted in a description. */
export function isQuotable(text: string): boolean {
  return !speaksToReader.test(text);
}

/** Text from the cluster for a description: on one line, cut after `limit` characters; orders to the reader are left out. */
export function quote(text: string, limit: number): string {
  return isQuotable(text) ? oneLine(text, limit) : '(text that gives orders: see the evidence)';
}
