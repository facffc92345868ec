/**
 * Admission: after a request is understood and allowed, plugins may complete the object (`mutate`) and must agree to it
 * (`validate`). A plugin is one file, named in the array of `plugins.ts`, which is the order of execution.
 *
 * Source: Kubernetes documentation, "Admission controllers reference".
 */
import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import type { JsonObject } from '#apimachinery/json.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, GroupVersionKind, ResourceKind } from '#apimachinery/resource.ts';
import type { CallNotes, UserInfo } from '../request/api-call.ts';

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** What the client asked for: of an UPDATE `update` or `patch`. */
  readonly verb?: string;
  readonly kind: ResourceKind;
  /** '' for the resource itself. */
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The object to be written; undefined when something is deleted. Only `mutate` may change it. */
  readonly object: Draft<KubeObject> | undefined;
  /** What is stored; undefined when something is created. */
  readonly old: KubeObject | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** The version of the kind that the client speaks. Default: `kind`. */
  readonly served?: ResourceKind;
  /** What is sent where that is not the object itself: PodExecOptions of CONNECT, an Eviction, a Binding. */
  readonly sent?: SentDocument;
  /** Tells the client something beside the answer. */
  readonly warn?: (text: string) => void;
  /** Adds to the audit event of the request; what is `detail` only where bodies are recorded as well. */
  readonly annotate?: (key: string, value: string, weight?: 'detail') => void;
  /** Where the time is noted that webhooks take. */
  readonly notes?: Pick<CallNotes, 'outsideMs'>;
}

export interface SentDocument extends GroupVersionKind {
  readonly object: JsonObject;
}

export interface AdmissionPlugin {
  /** As in --enable-admission-plugins. */
  readonly name: string;
  /** May change `request.object`. Throws a StatusError to refuse. */
  mutate?(request: AdmissionRequest, context: AdmissionContext): Mutation | Promise<Mutation>;
  /** Takes the place of `mutate` when all are asked a second time. */
  mutateAgain?(request: AdmissionRequest, context: AdmissionContext): void | Promise<void>;
  /** Throws a StatusError to refuse. */
  validate?(request: AdmissionRequest, context: AdmissionContext): void | Promise<void>;
}

/** `reinvoke`: the object is changed so that the plugins before should see it again; they do so once. */
export type Mutation = void | 'reinvoke';

/** What plugins may know. Reads come from the watch cache and may lag behind other API servers' writes. */
export interface AdmissionContext {
  readonly objects: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
}

/** Stored objects, read synchronously. */
export interface ObjectReader {
  get<T extends KubeObject>(kind: ResourceKind<T>, name: string, namespace?: string): T | undefined;
  list<T extends KubeObject>(kind: ResourceKind<T>, namespace?: string): Iterable<T>;
}

/** Whether the request writes objects of `kind` (the resource itself, not a subresource). */
export function writes<T extends KubeObject>(request: AdmissionRequest, kind: ResourceKind<T>): request is AdmissionRequest & { readonly object: Draft<T> } {
  return (request.kind as unknown) === kind && request.subresource === '' && request.object !== undefined;
}
