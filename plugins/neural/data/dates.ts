/**
 * Dates: moments that are written as text, as days since 1970 began.
 *
 * Not a calendar and not time zones: `2024-03-05`, `2024/03/05`, with a time of day or without, all in one zone (UTC where
 * it says so or says nothing, else moved by what it says).
 * Invariant: a text that is no date of the Gregorian calendar is NaN.
 *
 * @module
 */

const DATE =
  /^(\d{4})([-/])(\d{2})\2(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?:Z|([+-])(\d{2}):?(\d{2}))?)?$/u;

const MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const YEAR_DAYS = 365;
const EPOCH_YEAR = 1970;
const MINUTES = 1_440;
const SECONDS = 86_400;

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

const daysIn = (year: number, month: number): number => month === 2 && isLeap(year) ? 29 : MONTHS[month - 1];

/** Leap years before a year. */
const leapsBefore = (year: number): number =>
  Math.floor((year - 1) / 4) - Math.floor((year - 1) / 100) + Math.floor((year - 1) / 400);

/** Characters of the shortest date. */
const SHORTEST = 10;

/** Days from 1970 to the moment that a text names; NaN where it names none. */
export const daysOf = (text: string): number => {
  const found = text.length < SHORTEST ? null : DATE.exec(text.trim());
  if (found === null) return NaN;
  const [, years, , months, days, hours = "0", minutes = "0", seconds = "0", sign, zoneHours = "0", zoneMinutes = "0"] =
    found;
  const [year, month, day] = [Number(years), Number(months), Number(days)];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return NaN;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) >= 60) return NaN;
  let whole = (year - EPOCH_YEAR) * YEAR_DAYS + leapsBefore(year) - leapsBefore(EPOCH_YEAR) + day - 1;
  for (let before = 1; before < month; before++) whole += daysIn(year, before);
  const ahead = (sign === "-" ? -1 : 1) * (Number(zoneHours) * 60 + Number(zoneMinutes));
  return whole + (Number(hours) * 60 + Number(minutes) - ahead) / MINUTES + Number(seconds) / SECONDS;
};
