import type { ResourceKind } from '#apimachinery/resource.ts';
import type { ApiCall, ApiResult } from '../../request/api-call.ts';

/** A subresource with a behaviour of its own. One file each; named in `subresources.ts`. */
export interface SubresourceHandler {
  readonly group: string;
  /** Plural of the parent. */
  readonly resource: string;
  readonly subresource: string;
  /** Carries the request out; throws a StatusError when it is refused. `kind` is the parent's. */
  handle(call: ApiCall, kind: ResourceKind): Promise<ApiResult>;
}
