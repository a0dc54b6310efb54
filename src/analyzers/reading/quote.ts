import { oneLine } from '../../lib/printable.ts';

/**
 * Text that speaks to whoever reads it instead of telling what the program does: attempts to instruct an investigator,
 * and images or links in Markdown. Of a log such a line is not the telling one.
 */
const speaksToReader =
  /\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|earlier|all|instructions?|rules?)\b|\binstructions?:|\byou are (?:now|a|an|the)\b|\b(?:system|assistant|developer) ?(?:prompt|message|:\s)|\bdo not (?:mention|report|tell|reveal)|\broot cause (?:is|was)\b|\bconfidence\b.{0,12}\d|\b(?:run|execute) kubectl\b|!\[[^\]]{0,200}\]\(|\[[^\]]{1,200}\]\(https?:|<\/?(?:img|script|iframe|svg|style|link|meta|object|a)\b/i;

/** Whether a line of a log can be what the program says about itself. */
export function isQuotable(text: string): boolean {
  return !speaksToReader.test(text);
}

/**
 * Text from the cluster for a description: on one line, printable, cut after `limit` characters. Text that gives orders is
 * quoted too: what an admission policy asks for is an order, and a report for people that hides it hides the cause.
 */
export function quote(text: string, limit: number): string {
  return oneLine(text, limit);
}
