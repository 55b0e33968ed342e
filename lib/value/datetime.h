/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates and timestamps as numbers: days and microseconds since 1970-01-01, proleptic Gregorian, no
 * zones and no leap seconds, because that is what both engines store.
 *
 * Years are astronomical inside (0 is 1 BC); the text forms differ by engine: PostgreSQL writes
 * "44-03-15 BC", "infinity"; MariaDB writes neither and knows "0000-00-00", which is not a date and
 * is refused here.
 * Thread: any.
 */
#ifndef FX_VALUE_DATETIME_H
#define FX_VALUE_DATETIME_H

#include "lib/base/buf.h"

#define FX_US_PER_DAY INT64_C(86400000000)

struct fx_civil {
    int64_t year; /* astronomical: 0 is 1 BC */
    int month, day;
    int hour, minute, second;
    int us;
};

int64_t fx_days_from_civil(int64_t year, int month, int day);
void fx_civil_from_days(int64_t days, struct fx_civil *ret);
void fx_civil_from_us(int64_t us, struct fx_civil *ret);
/* Is that day on the calendar (months, leap years)? */
bool fx_civil_is_date(int64_t year, int month, int day);

/*
 * Text to number; false when the text is not one. PostgreSQL's ISO output: "2024-02-29",
 * "0044-03-15 BC", "infinity", "2024-02-29 13:37:00.5", "2024-02-29 13:37:00.5+00" (an offset is
 * applied). MariaDB's output is a subset, so these read both. FX_TIME_INFINITY and
 * FX_TIME_NEG_INFINITY stand for the infinities.
 */
bool fx_date_parse(struct fx_str text, int64_t *ret_days) FX_MUST_CHECK;
bool fx_timestamp_parse(struct fx_str text, int64_t *ret_us) FX_MUST_CHECK;

/* PostgreSQL's form, which it also reads: BC and
 * infinities included, always 6 fraction digits or none. */
void fx_date_pg(int64_t days, struct fx_buf *out);
void fx_timestamp_pg(int64_t us, struct fx_buf *out);
/* "2024-02-29" / "2024-02-29 13:37:00.500000"; false outside of years 1 to 9999. */
bool fx_date_my(int64_t days, struct fx_buf *out) FX_MUST_CHECK;
bool fx_timestamp_my(int64_t us, struct fx_buf *out) FX_MUST_CHECK;

#endif
