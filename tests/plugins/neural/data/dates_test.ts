/**
 * Tests of data/dates.ts beside the runtime's own calendar.
 */
import assert from "node:assert/strict";
import { daysOf } from "../../../../plugins/neural/data/dates.ts";
import { random } from "../../../../kernel/random.ts";

const DAY_MS = 86_400_000;

Deno.test("20,000 random moments are the days that the runtime's calendar says", () => {
  const draw = random("dates");
  for (let i = 0; i < 20_000; i++) {
    const moment = new Date(Math.floor((draw.float() * 8_000 - 1_900) * 365 * DAY_MS / 1_000) * 1_000);
    const text = moment.toISOString();
    if (!/^\d{4}-/u.test(text)) continue;
    assert.ok(Math.abs(daysOf(text) - moment.getTime() / DAY_MS) < 1e-8, text);
    const day = text.slice(0, 10);
    assert.equal(daysOf(day), Date.parse(day) / DAY_MS);
    assert.equal(daysOf(day.replaceAll("-", "/")), daysOf(day));
  }
});

Deno.test("time zones move a moment, and a moment may leave its seconds out", () => {
  assert.equal(daysOf("1970-01-02"), 1);
  assert.equal(daysOf("1970-01-01 12:00"), 0.5);
  assert.equal(daysOf("1970-01-01T12:00:00+06:00"), 0.25);
  assert.equal(daysOf("1970-01-01T12:00-0600"), 0.75);
  assert.equal(daysOf(" 1969-12-31 "), -1);
});

Deno.test("what is no date is none", () => {
  const none = [
    ...["", "today", "2024", "2024-1-1", "2024-13-01", "2024-00-10", "2024-04-31", "2023-02-29", "1900-02-29"],
    ...[
      "2024-01-01T24:00",
      "2024-01-01T10:60",
      "2024-01-01T10:00:60",
      "2024-01/01",
      "20240101",
      "2024-01-01x",
      "12024-01-01",
    ],
  ];
  for (const text of none) assert.ok(Number.isNaN(daysOf(text)), text);
  assert.ok(!Number.isNaN(daysOf("2024-02-29")) && !Number.isNaN(daysOf("2000-02-29")));
});
