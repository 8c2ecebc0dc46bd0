/**
 * Issued keys: how the keys and tokens of well-known issuers look, as data.
 *
 * Not a list of everything secret: a key without a recognisable shape is found by its context (named.ts).
 * Invariant: every pattern is a fixed prefix and a body without alternatives, so matching stays linear in the text.
 *
 * @module
 */

/** One issuer's spelling of a key. */
export interface IssuedKey {
  /** Who issues it. */
  readonly issuer: string;
  /** The fixed beginning, as a regular expression source. */
  readonly prefix: string;
  /** The body, as a regular expression source. */
  readonly body: string;
  /** The prefix also begins ordinary words: it must stand at a word's start, and the body must look random. */
  readonly ambiguous?: boolean;
}

const row = (issuer: string, prefix: string, body: string, ambiguous = false): IssuedKey => ({
  issuer,
  prefix,
  body,
  ambiguous,
});

/** The known spellings. */
export const ISSUED_KEYS: ReadonlyArray<IssuedKey> = [
  row("OpenAI and compatible", "sk-", "[A-Za-z0-9_-]{16,}", true),
  row("Stripe", "(?:sk|rk|pk)_(?:live|test)_", "[A-Za-z0-9]{10,}"),
  row("Stripe webhook", "whsec_", "[A-Za-z0-9+/=]{20,}"),
  row("AWS", "(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|ABIA|ACCA)", "[A-Z0-9]{16}"),
  row("GitHub", "gh[pousr]_", "[A-Za-z0-9]{30,}"),
  row("GitHub fine-grained", "github_pat_", "[A-Za-z0-9_]{22,}"),
  row("GitLab", "gl(?:pat|dt|rt|oas|ptt|cbt|soat|ft|imt|agent)-", "[A-Za-z0-9_.-]{20,}"),
  row("Bitbucket", "ATBB", "[A-Za-z0-9]{28,}"),
  row("Atlassian", "ATATT3", "[A-Za-z0-9_=-]{40,}"),
  row("Slack", "xox[abposre]-", "[A-Za-z0-9-]{10,}"),
  row("Slack app", "xapp-", "[A-Za-z0-9-]{20,}"),
  row("Slack hook", "hooks\\.slack\\.com/(?:services|workflows)/", "[A-Za-z0-9/]{20,}"),
  row("Google", "AIza", "[A-Za-z0-9_-]{35}"),
  row("Google OAuth", "ya29\\.", "[A-Za-z0-9_-]{20,}"),
  row("Google client", "GOCSPX-", "[A-Za-z0-9_-]{20,}"),
  row("Twilio", "SK", "[0-9a-f]{32}", true),
  row("SendGrid", "SG\\.", "[A-Za-z0-9_-]{16,}(?:\\.[A-Za-z0-9_-]+)?", true),
  row("Mailgun", "key-", "[0-9a-f]{32}", true),
  row("npm", "npm_", "[A-Za-z0-9]{36,}"),
  row("PyPI", "pypi-", "AgE[A-Za-z0-9_-]{40,}"),
  row("RubyGems", "rubygems_", "[0-9a-f]{40,}"),
  row("Hugging Face", "hf_", "[A-Za-z0-9]{30,}"),
  row("Groq", "gsk_", "[A-Za-z0-9]{40,}"),
  row("xAI", "xai-", "[A-Za-z0-9]{40,}"),
  row("Perplexity", "pplx-", "[A-Za-z0-9]{40,}"),
  row("Replicate", "r8_", "[A-Za-z0-9]{30,}"),
  row("NVIDIA", "nvapi-", "[A-Za-z0-9_-]{40,}"),
  row("DigitalOcean", "do[opr]_v1_", "[0-9a-f]{60,}"),
  row("Shopify", "shp(?:at|ss|ca|pa)_", "[0-9a-fA-F]{30,}"),
  row("Square", "sq0(?:atp|csp|idp)-", "[A-Za-z0-9_-]{20,}"),
  row("Databricks", "dapi", "[0-9a-f]{32}"),
  row("Linear", "lin_(?:api|oauth)_", "[A-Za-z0-9]{30,}"),
  row("Notion", "(?:secret|ntn)_", "[A-Za-z0-9]{40,}", true),
  row("Vault", "hv[sbr]\\.", "[A-Za-z0-9_-]{20,}", true),
  row("Terraform", "(?<=[A-Za-z0-9]{14})\\.atlasv1\\.", "[A-Za-z0-9_=-]{40,}"),
  row("Doppler", "dp\\.(?:pt|st|ct|sa|scim|audit)\\.", "[A-Za-z0-9]{30,}"),
  row("Supabase", "sb[ps]_", "[A-Za-z0-9]{30,}"),
  row("Grafana", "gl(?:sa|c)_", "[A-Za-z0-9_+/=]{30,}"),
  row("New Relic", "NRAK-", "[A-Z0-9]{20,}"),
  row("Sentry", "sntry[su]_", "[A-Za-z0-9_+/=]{30,}"),
  row("Postman", "PMAK-", "[0-9a-f]{20,}-?[0-9a-f]*"),
  row("PlanetScale", "pscale_(?:tkn|pw|oauth)_", "[A-Za-z0-9_.=-]{20,}"),
  row("Docker", "dckr_(?:pat|oat)_", "[A-Za-z0-9_-]{20,}"),
  row("Figma", "figd_", "[A-Za-z0-9_-]{30,}"),
  row("Tailscale", "tskey-", "[A-Za-z0-9-]{16,}"),
  row("Pulumi", "pul-", "[0-9a-f]{40}"),
  row("Netlify", "nfp_", "[A-Za-z0-9]{30,}"),
  row("Heroku", "HRKU-", "[A-Za-z0-9_-]{30,}"),
  row("Airtable", "pat", "[A-Za-z0-9]{14}\\.[0-9a-f]{60,}"),
  row("1Password", "ops_", "eyJ[A-Za-z0-9_-]{40,}"),
  row("age", "AGE-SECRET-KEY-1", "[A-Z0-9]{50,}"),
  row("Alibaba Cloud", "LTAI", "[A-Za-z0-9]{12,}", true),
  row("Tencent Cloud", "AKID", "[A-Za-z0-9]{13,}", true),
  row("Volcengine", "AKLT", "[A-Za-z0-9_-]{20,}", true),
  row("Baidu", "bce-v3/ALTAK-", "[A-Za-z0-9/]{20,}"),
  row("Telegram", "(?<=\\d{8}):AA", "[A-Za-z0-9_-]{32,}"),
  row("Discord", "[MNO][A-Za-z0-9_-]{23,25}\\.[A-Za-z0-9_-]{6}\\.", "[A-Za-z0-9_-]{27,}"),
];
