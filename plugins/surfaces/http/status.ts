/**
 * Status: which HTTP status a failure has.
 *
 * Invariant: every failure has one; a failure that no row names is the operation's own refusal of its input.
 *
 * @module
 */

const STATUSES: { readonly [code: string]: number } = {
  KERNEL_INVALID_INPUT: 400,
  KERNEL_MALFORMED_NAME: 400,
  KERNEL_UNKNOWN_OPERATION: 404,
  KERNEL_UNKNOWN_ENTRY: 404,
  KERNEL_DENIED: 403,
  KERNEL_APPROVAL_NEEDED: 403,
  KERNEL_BUDGET_EXHAUSTED: 429,
  KERNEL_INTERRUPTED: 503,
  KERNEL_FACILITY_ABSENT: 503,
  KERNEL_PACKAGE_ABSENT: 503,
  KERNEL_BOOT_DEADLINE: 503,
  KERNEL_BOOT_FAILED: 503,
  KERNEL_DEFECT: 500,
  KERNEL_INVALID_OUTPUT: 500,
  KERNEL_DISK: 500,
  SURFACE_UNAUTHORIZED: 401,
  SURFACE_HOST: 403,
  SURFACE_ORIGIN: 403,
  SURFACE_NOT_FOR_CALLERS: 403,
  SURFACE_PATH: 404,
  SURFACE_METHOD: 405,
  SURFACE_ACCEPT: 406,
  SURFACE_BODY_DEADLINE: 408,
  SURFACE_BODY_SIZE: 413,
  SURFACE_MEDIA_TYPE: 415,
  SURFACE_JSON: 400,
  SURFACE_BUSY: 503,
  SURFACE_DEADLINE: 504,
  SURFACE_DEFECT: 500,
};

/** Status of an operation's own refusal. */
const REFUSED = 422;

/** The HTTP status of a failure code. */
export const statusOf = (code: string): number => STATUSES[code] ?? REFUSED;
