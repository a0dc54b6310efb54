import { severities } from '../core/alert.ts';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { placeOf, referenceOf, stillRecent, threadOf } from './chat-place.ts';
import type { ChatPlace } from './chat-place.ts';
import type { SinkDelivery, SinkIo } from './define.ts';
import type { Failure } from './http.ts';
import { viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

// How a chat tells an incident: one message that is brought up to date, and what else has to be said below it.

/** Messages to the channel about one incident, whatever happens; what else there is to say is said where it disturbs nobody. */
export const mostPosts = 12;

/** A message that is to be made. */
export interface ChatPost {
  readonly room: string;
  /** The message to which it replies; null = none. */
  readonly thread: string | null;
  /** A reply that the channel shows too. */
  readonly isShown: boolean;
  /** The first of an incident that goes on: whoever is to be told is mentioned. */
  readonly isFirst: boolean;
}

/**
 * `isGone`: the message that it was about is not there any more, or takes nothing more. `isAlone`: a reply that the chat shows as
 * a message of its own, because what it was to stand below is gone.
 */
export type ChatAnswer =
  | { readonly ok: true; readonly room: string; readonly id: string; readonly isAlone?: boolean }
  | { readonly ok: false; readonly isGone: boolean; readonly verdict: Failure };

/** What became of a search; null = nothing was found, or one may not look. `isGone`: there is no such thread any more. */
export type ChatSearch =
  | { readonly ok: true; readonly id: string | null; readonly isGone?: boolean }
  | { readonly ok: false; readonly verdict: Failure };

/** A chat with one delivery to tell, as {@link tellIncident} asks for it. */
export interface ChatRoom {
  /** The channel that is configured. */
  readonly room: string;
  /** Whether replies stay out of the channel. */
  readonly hasThreads: boolean;
  /** The message in the room with which somebody asked for the run: it is told below that. Absent: nobody did. */
  readonly asked?: string;
  /** Each delivery is a message of its own. */
  readonly isLoose: boolean;
  post(post: ChatPost): Promise<ChatAnswer>;
  update(room: string, id: string): Promise<ChatAnswer>;
  /** The message of this delivery that an attempt before may have made. Absent: nothing can be looked for. */
  find?(room: string, thread: string | null): Promise<ChatSearch>;
}

interface Job {
  readonly chat: ChatRoom;
  readonly delivery: SinkDelivery;
  readonly view: PayloadView;
  readonly io: Pick<SinkIo, 'othersFireAt'>;
  readonly nowMs: number;
}

/** `place` of a failure is what is known all the same. */
type Result =
  | { readonly ok: true; readonly place: ChatPlace }
  | { readonly ok: false; readonly verdict: Failure; readonly place: ChatPlace | null };

/**
 * Tells a delivery where its incident is told already: the message is brought up to date, and replies say what has to be
 * noticed. At most {@link mostPosts} messages for the channel, also where answers are lost or messages vanish. The reference of the
 * verdict says where it goes on.
 */
export async function tellIncident(
  chat: ChatRoom,
  delivery: SinkDelivery,
  io: Pick<SinkIo, 'now' | 'othersFireAt'>,
): Promise<DeliveryVerdict> {
  const nowMs = io.now();
  const { own, open, closed, incident } = delivery.known;
  const before = placeOf(own) ?? placeOf(open) ?? stillRecent(placeOf(closed), nowMs);
  const job: Job = { chat, delivery, view: viewOf(delivery.payload), io, nowMs };
  const teller = askedPlace(job) ?? (chat.hasThreads ? placeOf(incident) : null);
  const result = await tell(job, before, teller);
  if (result.ok) return { ok: true, reference: referenceOf(result.place) };
  const { verdict, place } = result;
  return place === before || place === null ? verdict : { ...verdict, reference: referenceOf(place) };
}

function askedPlace({ chat: { asked, room }, view: { severity }, nowMs }: Job): ChatPlace | null {
  if (asked === undefined) return null;
  return { room, id: asked, posts: 0, told: null, severity, since: Math.floor(nowMs / 1000) };
}

/** `teller` is the thread of the report that told the same cause, or in which somebody asked. */
async function tell(job: Job, before: ChatPlace | null, teller: ChatPlace | null): Promise<Result> {
  const { delivery, chat, io } = job;
  if (chat.isLoose && (before === null || before.posts < mostPosts)) return post(job, before);
  if (teller !== null && (before === null || before.id === null || before.posts === 0))
    return reply(job, { ...teller, posts: 0, told: before?.told ?? null }, 'in the thread');
  if (before === null || before.id === null) return post(job, before);
  // Whose cause was told by another until now, and is one of its own.
  if (before.posts === 0) return delivery.event === 'run-finished' ? post(job, before) : tellBelow(job, before);
  // What others are told below stands until they are over as well.
  const isShared = delivery.event === 'alert-resolved' && (await io.othersFireAt(threadOf(before)));
  const updated =
    wantsUpdate(before, delivery) && !isShared ? await update(job, before) : ({ ok: true, place: before } as const);
  if (!updated.ok || updated.place.id !== before.id) return updated;
  if (teller !== null && teller.id !== before.id) {
    const pointed = await reply(job, teller, 'where there is one');
    if (!pointed.ok) return { ...pointed, place: before };
    const isAlone = pointed.place.id !== teller.id;
    return { ok: true, place: after(isAlone ? { ...before, posts: before.posts + 1 } : before, job) };
  }
  const isShown = before.posts < mostPosts && mustBeSeen(before, job);
  if (isShown) return reply(job, before, 'in the channel too');
  if (chat.hasThreads && wantsReply(before, delivery)) return reply(job, before, 'in the thread');
  return { ok: true, place: after(before, job) };
}

/** What is told below the message of another alert; with the last of them the message itself says that it is over. */
async function tellBelow(job: Job, place: ChatPlace): Promise<Result> {
  const { chat, delivery, io } = job;
  if (delivery.event === 'alert-resolved' && !(await io.othersFireAt(threadOf(place)))) {
    const answer = await chat.update(place.room, place.id ?? '');
    if (!answer.ok && !answer.isGone) return { ...answer, place };
  }
  return reply(job, place, 'in the thread');
}

/** Work that begins again does not hide the report that is there. */
function wantsUpdate({ told }: ChatPlace, { event }: SinkDelivery): boolean {
  return event !== 'approval-requested' && !(event === 'run-started' && told === 'run-finished');
}

function wantsReply({ told }: ChatPlace, { event }: SinkDelivery): boolean {
  if (event === 'approval-requested' || event === 'alert-resolved') return true;
  return told === 'run-finished' || told === 'alert-resolved';
}

/** What an edited message would hide; without threads the end as well. */
function mustBeSeen({ told, severity }: ChatPlace, { delivery: { event }, view, chat }: Job): boolean {
  if (event === 'alert-resolved') return !chat.hasThreads;
  if (view.isOver) return false;
  return event === 'approval-requested' || told === 'alert-resolved' || rank(view.severity) < rank(severity);
}

function rank(severity: string): number {
  const index = (severities as readonly string[]).indexOf(severity);
  return index === -1 ? severities.length : index;
}

/** A message in the channel. One that was counted when its answer was lost has no id yet. */
async function post(job: Job, before: ChatPlace | null, wasCounted = before?.id === null): Promise<Result> {
  const { chat, view, nowMs } = job;
  const since = Math.floor(nowMs / 1000);
  const base = before ?? { room: chat.room, id: null, posts: 0, told: null, severity: view.severity, since };
  const { room, posts } = base;
  if (posts >= mostPosts) {
    const reason = `${mostPosts} messages of this incident were posted, and the last of them is gone`;
    return { ok: false, verdict: { ok: false, retry: false, reason }, place: before };
  }
  const found = await earlier(job, room, null);
  if (!found.ok) return { ...found, place: before };
  if (found.id !== null) {
    const counted = wasCounted && posts > 0 ? posts : posts + 1;
    return { ok: true, place: after({ ...base, id: found.id, posts: counted }, job) };
  }
  const isFirst = (base.told === null || posts === 0) && !view.isOver;
  const answer = await chat.post({ room, thread: null, isShown: true, isFirst });
  if (answer.ok)
    return { ok: true, place: after({ ...base, room: answer.room, id: answer.id, posts: posts + 1 }, job) };
  const isCounted = answer.verdict.ambiguous === true;
  return { ...answer, place: isCounted ? { ...base, id: null, posts: posts + 1 } : before };
}

/** Brings the message up to date; a new one where it is gone. */
async function update(job: Job, place: ChatPlace): Promise<Result> {
  const answer = await job.chat.update(place.room, place.id ?? '');
  if (answer.ok) return { ok: true, place };
  return answer.isGone ? post(job, { ...place, id: null }, false) : { ...answer, place };
}

/** A reply; where its thread is gone a message in the channel, or none where it was to be `where there is one`. */
async function reply(
  job: Job,
  place: ChatPlace,
  where: 'in the thread' | 'in the channel too' | 'where there is one',
): Promise<Result> {
  const isShown = where === 'in the channel too';
  const { room, id } = place;
  const counted = isShown ? { ...place, posts: place.posts + 1 } : place;
  // A chat may show it in the channel where the thread is gone: that must be neither one too many nor one for nothing.
  const found = await earlier(job, room, id, where === 'where there is one' || place.posts >= mostPosts);
  if (!found.ok) return { ...found, place };
  if (found.id !== null) return { ok: true, place: after(counted, job) };
  const gone = () =>
    where === 'where there is one' ? ({ ok: true, place } as const) : post(job, { ...place, id: null }, false);
  if (found.isGone === true) return gone();
  const answer = await job.chat.post({ room, thread: id, isShown, isFirst: false });
  if (!answer.ok)
    return answer.isGone ? gone() : { ...answer, place: answer.verdict.ambiguous === true ? counted : place };
  const alone = { ...place, room: answer.room, id: answer.id, posts: place.posts + 1 };
  return { ok: true, place: after(answer.isAlone === true ? alone : counted, job) };
}

async function earlier(
  { chat, delivery: { isRepeat } }: Job,
  room: string,
  thread: string | null,
  looks = false,
): Promise<ChatSearch> {
  return (isRepeat || looks) && chat.find !== undefined ? chat.find(room, thread) : { ok: true, id: null };
}

/** What was told last, once it is told. */
function after(place: ChatPlace, { delivery: { event }, view }: Job): ChatPlace {
  const { told } = place;
  const isKept =
    told !== null && (event === 'approval-requested' || (event === 'run-started' && told === 'run-finished'));
  return { ...place, told: isKept ? told : event, severity: view.severity };
}

/** When a delivery may have been sent first, seconds since the epoch; clocks differ. */
export function earliestSecond({ payload: { timestamp } }: SinkDelivery): number {
  const createdMs = typeof timestamp === 'string' ? Date.parse(timestamp) : 0;
  return Math.max(0, Math.floor(createdMs / 1000) - 300);
}
