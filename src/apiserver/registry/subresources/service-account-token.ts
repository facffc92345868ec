import { Pod } from '#api/core/pod.ts';
import { Node } from '#api/core/node.ts';
import { Secret } from '#api/core/secret.ts';
import { ServiceAccount } from '#api/core/service-account.ts';
import { TokenRequest } from '#api/authentication/token-request.ts';
import { invalidValue } from '#apimachinery/field-error.ts';
import type { KubeObject } from '#apimachinery/object-meta.ts';
import type { Draft, ResourceKind } from '#apimachinery/resource.ts';
import { badRequest, conflict, forbidden, invalid, methodNotSupported, notFound } from '#apimachinery/status-error.ts';
import { admitSubresource } from '../../admission/admit-connect.ts';
import type { ApiCall } from '../../request/api-call.ts';
import type { TokenIssuer } from '../../authn/service-account-tokens.ts';
import { nodeNameOf } from '../../authz/node-identity.ts';
import { isDryRun } from '../create.ts';
import { decodeBody } from '../decode-body.ts';
import type { RegistryContext } from '../registry-context.ts';
import type { SubresourceHandler } from './subresource-handler.ts';

const minSeconds = 600;
const maxSeconds = 2 ** 32;
/** Tokens for the API server itself live longer than asked, so that clients which never re-read them keep working. */
const extendedSeconds = 365 * 24 * 3600;
const wellKnownSeconds = 3607;

/**
 * POST serviceaccounts/x/token: a token bound to the account, and to a pod, secret or node when asked.
 * Source: API reference, authentication.k8s.io/v1 TokenRequest; KEP-1205, KEP-2799.
 */
export function serviceAccountToken(registry: RegistryContext, issuer: TokenIssuer): SubresourceHandler {
  return {
    group: '',
    resource: 'serviceaccounts',
    subresource: 'token',
    async handle(call, kind) {
      if (call.info.verb !== 'create') throw methodNotSupported(kind, call.info.verb);
      const { name, namespace } = call.info;
      await registry.cache.catchUp();
      const account = registry.objects.get(ServiceAccount, name, namespace);
      if (account === undefined) throw notFound(ServiceAccount, name);
      const request = decodeBody(TokenRequest, call) as unknown as Draft<TokenRequest>;
      const { metadata, spec } = request;
      checkMetadata(metadata, account);
      const asked = spec.expirationSeconds ?? 3600;
      if (asked < minSeconds) throw invalidSeconds(asked, 'may not specify a duration less than 10 minutes');
      if (asked > maxSeconds) throw invalidSeconds(asked, 'may not specify a duration larger than 2^32 seconds');
      const { maxSeconds: longest = asked, extendsTokens = true } = issuer.settings;
      const seconds = Math.min(asked, longest);
      if (seconds < asked) call.warn(`requested expiration of ${asked} seconds shortened to ${seconds} seconds`);
      const audiences = spec.audiences.length > 0 ? spec.audiences : [...issuer.audiences];
      const bound = boundObject(registry, call.info, spec.boundObjectRef);
      checkNodeRequest(call, name, bound);
      await admitSubresource(registry, call, kind, { name, dryRun: isDryRun(call.query), sent: { kind: TokenRequest, document: request } });
      const isForApi = audiences.every((each) => issuer.audiences.includes(each));
      const { token, expiresAtMs } = await issuer.issue({
        namespace,
        serviceAccount: { name, uid: account.metadata.uid },
        audiences,
        seconds: extendsTokens && isForApi && seconds === wellKnownSeconds && bound?.kind === 'Pod' ? extendedSeconds : seconds,
        warnAfterSeconds: seconds,
        bound,
      });
      const expiration = isForApi && seconds === wellKnownSeconds ? registry.clock.nowMs() + seconds * 1000 : expiresAtMs;
      const object = {
        ...request,
        metadata: { ...request.metadata, name, namespace, creationTimestamp: new Date(registry.clock.nowMs()).toISOString().replace(/\.\d+/, '') },
        spec: { ...spec, audiences, expirationSeconds: seconds },
        status: { token, expirationTimestamp: new Date(expiration).toISOString().replace(/\.\d+/, '') },
      };
      return { is: 'object', code: 201, kind: TokenRequest as unknown as ResourceKind, object: object as unknown as KubeObject };
    },
  };
}

/** What is said of the account beside its path is true, or not said. */
function checkMetadata({ name = '', namespace = '', uid = '' }: Partial<ServiceAccount['metadata']>, { metadata: account }: ServiceAccount): void {
  if (name !== '' && name !== account.name) throw invalid(TokenRequest, account.name, [invalidValue('metadata.name', name, 'must match the service account name if specified')]);
  if (namespace !== '' && namespace !== account.namespace) throw invalid(TokenRequest, account.name, [invalidValue('metadata.namespace', namespace, 'must match the service account namespace if specified')]);
  if (uid !== '' && uid !== account.uid) {
    throw conflict({ plural: TokenRequest.kind, group: TokenRequest.group }, account.name, `the UID in the token request (${uid}) does not match the UID of the service account (${account.uid})`);
  }
}

/** A kubelet gets tokens for the pods it runs, which die with them, and no others. Source: Kubernetes documentation, "NodeRestriction". */
function checkNodeRequest({ user }: ApiCall, account: string, bound: ReturnType<typeof boundObject>): void {
  const node = nodeNameOf(user);
  if (node === undefined) return;
  if (bound?.kind !== 'Pod') throw forbidden(ServiceAccount, account, 'node requested token not bound to a pod');
  if (bound.node?.name !== node) throw forbidden(ServiceAccount, account, 'node requested token bound to a pod scheduled on a different node');
}

type BoundReference = TokenRequest['spec']['boundObjectRef'];

function boundObject(registry: RegistryContext, { name: account, namespace }: ApiCall['info'], reference: BoundReference): { kind: 'Pod' | 'Secret' | 'Node'; name: string; uid: string; node?: { name: string; uid?: string } } | undefined {
  if (reference === undefined) return undefined;
  const name = reference.name ?? '';
  const found = lookUp(registry, namespace, reference.kind ?? '', name);
  const { apiVersion = '' } = reference;
  if (found === undefined) throw badRequest(`cannot bind token to object of type ${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${reference.kind ?? ''}`);
  if (found.kind === 'Pod' && (found.object as Pod).spec.serviceAccountName !== account) {
    throw badRequest(`cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`);
  }
  if ((reference.uid ?? '') !== '' && reference.uid !== found.object.metadata.uid) {
    throw conflict({ plural: found.plural, group: '' }, name, `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`);
  }
  const nodeName = found.kind === 'Pod' ? (found.object as Pod).spec.nodeName : undefined;
  const node = nodeName === undefined ? undefined : registry.objects.get(Node, nodeName);
  return {
    kind: found.kind, name, uid: found.object.metadata.uid,
    ...(nodeName !== undefined && { node: { name: nodeName, ...(node !== undefined && { uid: node.metadata.uid }) } }),
  };
}

function lookUp(registry: RegistryContext, namespace: string, kind: string, name: string): { kind: 'Pod' | 'Secret' | 'Node'; plural: string; object: KubeObject } | undefined {
  switch (kind) {
    case 'Pod': {
      const object = registry.objects.get(Pod, name, namespace);
      if (object === undefined) throw notFound(Pod, name);
      return { kind, plural: 'pods', object };
    }
    case 'Secret': {
      const object = registry.objects.get(Secret, name, namespace);
      if (object === undefined) throw notFound(Secret, name);
      return { kind, plural: 'secrets', object };
    }
    case 'Node': {
      const object = registry.objects.get(Node, name);
      if (object === undefined) throw notFound(Node, name);
      return { kind, plural: 'nodes', object };
    }
    default:
      return undefined;
  }
}

function invalidSeconds(seconds: number, detail: string): Error {
  return invalid(TokenRequest, '', [{ type: 'FieldValueInvalid', path: 'spec.expirationSeconds', value: seconds, detail }]);
}
