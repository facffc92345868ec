/** Authorizers as the flags ask for them. */
import type { ApiServerOptions } from '#apiserver/api-server-options.ts';
import type { OwnAuthorizer } from '#apiserver/authz/authorization.ts';
import type { Authorizer } from '#apiserver/authz/authorizer.ts';
import type { ListedAuthorizer, WebhookSettings } from '#apiserver/authz/authorization-config.ts';
import type { WebhookAuthorizerOptions } from '#apiserver/authz/webhook-authorizer.ts';
import { alwaysAllow, alwaysDeny } from '#apiserver/authz/rbac.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { UserError } from '../../fail.ts';
import { durationMs } from '../flags.ts';
import type { AuthorizationFlags } from './authorization-flags.ts';
import { readFlagFile } from './serving-flags.ts';

interface Dependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends what follows files. */
  readonly signal: AbortSignal;
}
type Listed = Authorizer | OwnAuthorizer;

const modes = ['Node', 'RBAC', 'Webhook', 'ABAC', 'AlwaysAllow', 'AlwaysDeny'];
/** Longest wait of the flags' webhook. Source: k8s.io/apiserver, webhook.DefaultRequestTimeout. */
const flagTimeoutMs = 30_000;

/** In the order in which they are asked. Those that a file lists follow its changes. Throws a `UserError`. */
export async function authorizersOf(flags: AuthorizationFlags, dependencies: Dependencies): Promise<NonNullable<ApiServerOptions['authorizers']>> {
  if (flags.authorizationConfig !== undefined) return fromFile(flags, flags.authorizationConfig, dependencies);
  const chosen = flags.authorizationMode ?? ['Node', 'RBAC'];
  checkModes(flags, chosen);
  return Promise.all(chosen.map(async (mode): Promise<Listed> => {
    switch (mode) {
      case 'Node': case 'RBAC':
        return mode;
      case 'AlwaysAllow':
        return alwaysAllow;
      case 'AlwaysDeny':
        return alwaysDeny;
      case 'ABAC':
        return abac(flags);
      default:
        return webhook({
          name: 'default', file: flags.authorizationWebhookConfigFile ?? '', flag: '--authorization-webhook-config-file', version: flags.authorizationWebhookVersion === 'v1' ? 'v1' : 'v1beta1', timeoutMs: flagTimeoutMs,
          authorizedTtlMs: flags.authorizationWebhookCacheAuthorizedTtl ?? 300_000, unauthorizedTtlMs: flags.authorizationWebhookCacheUnauthorizedTtl ?? 30_000, onFailure: 'NoOpinion',
        }, dependencies);
    }
  }));
}

function checkModes(flags: AuthorizationFlags, chosen: readonly string[]): void {
  const unknown = chosen.find((mode) => !modes.includes(mode));
  if (unknown !== undefined) throw new UserError(`--authorization-mode: authorization-mode ${JSON.stringify(unknown)} is not a valid mode; there are ${modes.join(', ')}`);
  if (chosen.length === 0) throw new UserError('at least one authorization-mode must be passed');
  if (new Set(chosen).size < chosen.length) throw new UserError(`authorization-mode ${JSON.stringify(chosen)} has mode specified more than once`);
  if (chosen.includes('ABAC') !== (flags.authorizationPolicyFile !== undefined)) {
    throw new UserError(chosen.includes('ABAC') ? 'authorization-mode ABAC\'s authorization policy file not passed' : 'cannot specify --authorization-policy-file without mode ABAC');
  }
  if (chosen.includes('Webhook') !== (flags.authorizationWebhookConfigFile !== undefined)) {
    throw new UserError(chosen.includes('Webhook') ? 'authorization-mode Webhook\'s authorization config file not passed' : 'cannot specify --authorization-webhook-config-file without mode Webhook');
  }
}

async function fromFile(flags: AuthorizationFlags, file: string, dependencies: Dependencies): Promise<NonNullable<ApiServerOptions['authorizers']>> {
  if (flags.authorizationMode !== undefined || flags.authorizationWebhookConfigFile !== undefined) throw new UserError('--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined');
  const { ChangingAuthorizers } = await import('#apiserver/authz/changing-authorizers.ts');
  const { followFile } = await import('#serving/follow-file.ts');
  const { clock, log, signal } = dependencies;
  const first = await listedIn(readFlagFile('--authorization-config', file), flags, file, dependencies);
  return (own) => {
    const resolved = (listed: readonly Listed[]): readonly Authorizer[] => listed.map((each) => (typeof each === 'string' ? own[each] : each));
    const changing = new ChangingAuthorizers(resolved(first));
    const change = async (text: string): Promise<void> => {
      try {
        changing.replace(resolved(await listedIn(text, flags, file, dependencies)));
        log.info({ file }, 'the authorization configuration has changed');
      } catch (error) {
        log.error({ error, file }, 'the new authorization configuration does not hold; the old one stays');
      }
    };
    followFile(file, { clock, signal, changed: (text) => void change(text), failed: (error) => log.error({ error, file }, 'the authorization configuration can no longer be followed') });
    return [changing];
  };
}

async function listedIn(text: string, flags: AuthorizationFlags, file: string, dependencies: Dependencies): Promise<readonly Listed[]> {
  const { parseAuthorizationConfig } = await import('#apiserver/authz/authorization-config.ts');
  let listed: readonly ListedAuthorizer[];
  try {
    listed = parseAuthorizationConfig(text);
  } catch (error) {
    throw new UserError(`--authorization-config: ${file}: ${(error as Error).message}`);
  }
  return Promise.all(listed.map(async ({ type, name, webhook: settings }): Promise<Listed> => {
    if (type === 'Node' || type === 'RBAC') return type;
    if (type === 'AlwaysAllow') return alwaysAllow;
    if (type === 'AlwaysDeny') return alwaysDeny;
    if (type === 'ABAC') return abac(flags);
    if (settings === undefined) throw new UserError(`--authorization-config: ${file}: authorizer ${name} has no webhook`);
    return listedWebhook(name, settings, dependencies);
  }));
}

async function listedWebhook(name: string, settings: WebhookSettings, dependencies: Dependencies): Promise<Authorizer> {
  const { connectionInfo, matchConditions = [] } = settings;
  if (connectionInfo.type !== 'KubeConfigFile') throw new UserError(`--authorization-config: authorizer ${name}: connectionInfo.type ${connectionInfo.type} is not built`);
  const matches = matchConditions.length === 0 ? undefined : await matchesOf(name, matchConditions.map(({ expression }) => expression));
  return webhook({
    name, file: connectionInfo.kubeConfigFile ?? '', flag: `--authorization-config: authorizer ${name}`, version: settings.subjectAccessReviewVersion, timeoutMs: durationMs(settings.timeout),
    authorizedTtlMs: durationMs(settings.authorizedTTL), unauthorizedTtlMs: durationMs(settings.unauthorizedTTL), onFailure: settings.failurePolicy, ...(matches !== undefined && { matches }),
  }, dependencies);
}

/** All conditions hold; one that does not decides, whatever the others are. */
async function matchesOf(name: string, sources: readonly string[]): Promise<(spec: object) => boolean> {
  const { simpleExpression } = await import('#apiserver/expressions/simple-expressions.ts');
  const conditions = sources.map((source, index) => {
    try {
      return simpleExpression(source, ['request'], 'bool');
    } catch (error) {
      throw new UserError(`--authorization-config: authorizer ${name}: matchConditions[${index}].expression: ${(error as Error).message}`);
    }
  });
  return (spec) => {
    let failure: unknown;
    for (const condition of conditions) {
      try {
        if (condition({ request: spec }) !== true) return false;
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure as Error;
    return true;
  };
}

async function abac({ authorizationPolicyFile: file = '' }: AuthorizationFlags): Promise<Authorizer> {
  const { abacAuthorizer, parseAbac } = await import('#apiserver/authz/abac.ts');
  try {
    return abacAuthorizer(parseAbac(readFlagFile('--authorization-policy-file', file)));
  } catch (error) {
    throw error instanceof UserError ? error : new UserError(`--authorization-policy-file: ${file}: ${(error as Error).message}`);
  }
}

interface WebhookChoice extends Omit<WebhookAuthorizerOptions, 'webhook' | 'clock' | 'log'> {
  readonly file: string;
  readonly flag: string;
}

async function webhook({ file, flag, ...options }: WebhookChoice, dependencies: Dependencies): Promise<Authorizer> {
  const { openKubeconfigWebhook } = await import('#apiserver/webhooks/kubeconfig-webhook.ts');
  const { webhookAuthorizer } = await import('#apiserver/authz/webhook-authorizer.ts');
  try {
    return webhookAuthorizer({ ...options, webhook: openKubeconfigWebhook(file, dependencies), ...dependencies });
  } catch (error) {
    throw new UserError(`${flag}: ${file}: ${(error as Error).message}`);
  }
}
