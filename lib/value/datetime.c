/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calendar arithmetic (the era method: a year that starts in March puts the leap day last), and the
 * text forms of both engines. Every field is range-checked: a text that is nearly a date is no
 * date.
 */
#include "lib/value/datetime.h"

#include <inttypes.h>

#include "lib/base/panic.h"
#include "lib/value/value.h"

int64_t fx_days_from_civil(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void fx_civil_from_days(int64_t days, struct fx_civil *ret)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *ret = (struct fx_civil){0};
    ret->day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    ret->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    ret->year = year_of_era + era * 400 + (ret->month <= 2 ? 1 : 0);
    FX_INVARIANT(fx_civil_is_date(ret->year, ret->month, ret->day), "day %" PRId64, days);
}

void fx_civil_from_us(int64_t us, struct fx_civil *ret)
{
    int64_t days = us / FX_US_PER_DAY;
    int64_t rest = us % FX_US_PER_DAY;
    if (rest < 0) {
        rest += FX_US_PER_DAY;
        days--;
    }
    fx_civil_from_days(days, ret);
    ret->us = (int)(rest % 1000000);
    int64_t seconds = rest / 1000000;
    ret->hour = (int)(seconds / 3600);
    ret->minute = (int)(seconds / 60 % 60);
    ret->second = (int)(seconds % 60);
    FX_INVARIANT(ret->hour < 24 && ret->us >= 0, "%" PRId64 " us", us);
}

bool fx_civil_is_date(int64_t year, int month, int day)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1)
        return false;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= length[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Takes between `min` and `max` digits off the front. */
static bool take_number(struct fx_str *rest, size_t min, size_t max, int64_t *ret)
{
    int64_t n = 0;
    size_t used = 0;
    while (used < rest->len && used < max && rest->ptr[used] >= '0' && rest->ptr[used] <= '9')
        n = n * 10 + (rest->ptr[used++] - '0');
    if (used < min)
        return false;
    *rest = fx_str_sub(*rest, used, rest->len - used);
    *ret = n;
    return true;
}

static bool take_char(struct fx_str *rest, char c)
{
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = fx_str_sub(*rest, 1, rest->len - 1);
    return true;
}

static bool take_infinity(struct fx_str text, int64_t *ret)
{
    if (fx_str_eq(text, FX_STR("infinity")))
        *ret = FX_TIME_INFINITY;
    else if (fx_str_eq(text, FX_STR("-infinity")))
        *ret = FX_TIME_NEG_INFINITY;
    else
        return false;
    return true;
}

/* "YYYY-MM-DD" with 4 to 7 digits of year; the era is
 * known, because it is at the end of the text. */
static bool take_date(struct fx_str *rest, bool is_bc, int64_t *ret_days)
{
    int64_t year, month, day;
    if (!take_number(rest, 4, 7, &year) || !take_char(rest, '-') ||
        !take_number(rest, 2, 2, &month) || !take_char(rest, '-') || !take_number(rest, 2, 2, &day))
        return false;
    if (is_bc && year == 0)
        return false;
    int64_t astronomical = is_bc ? 1 - year : year;
    /* Year 0 without BC is MariaDB's partial or zero date: no day of any calendar. */
    if ((!is_bc && year == 0) || !fx_civil_is_date(astronomical, (int)month, (int)day))
        return false;
    *ret_days = fx_days_from_civil(astronomical, (int)month, (int)day);
    return true;
}

static bool take_bc(struct fx_str *text)
{
    if (!fx_str_ends(*text, FX_STR(" BC")))
        return false;
    text->len -= 3;
    return true;
}

bool fx_date_parse(struct fx_str text, int64_t *ret_days)
{
    int64_t days;
    if (take_infinity(text, ret_days))
        return true;
    bool is_bc = take_bc(&text);
    if (!take_date(&text, is_bc, &days) || text.len > 0)
        return false;
    *ret_days = days;
    return true;
}

static bool take_fraction(struct fx_str *rest, int64_t *ret_us)
{
    *ret_us = 0;
    if (!take_char(rest, '.'))
        return true;
    size_t before = rest->len;
    if (!take_number(rest, 1, 6, ret_us))
        return false;
    for (size_t digits = before - rest->len; digits < 6; digits++)
        *ret_us *= 10;
    return true;
}

static bool take_time(struct fx_str *rest, int64_t *ret_us)
{
    int64_t hour, minute, second, us;
    if (!take_number(rest, 2, 2, &hour) || !take_char(rest, ':') ||
        !take_number(rest, 2, 2, &minute) || !take_char(rest, ':') ||
        !take_number(rest, 2, 2, &second) || !take_fraction(rest, &us))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *ret_us = ((hour * 60 + minute) * 60 + second) * 1000000 + us;
    return true;
}

/* "+HH[:MM[:SS]]"; absent is zero. */
static bool take_offset(struct fx_str *rest, int64_t *ret_us)
{
    *ret_us = 0;
    bool is_negative = take_char(rest, '-');
    if (!is_negative && !take_char(rest, '+'))
        return true;
    int64_t hours, minutes = 0, seconds = 0;
    if (!take_number(rest, 2, 2, &hours))
        return false;
    if (take_char(rest, ':') && !take_number(rest, 2, 2, &minutes))
        return false;
    if (take_char(rest, ':') && !take_number(rest, 2, 2, &seconds))
        return false;
    int64_t us = ((hours * 60 + minutes) * 60 + seconds) * 1000000;
    *ret_us = is_negative ? -us : us;
    return true;
}

bool fx_timestamp_parse(struct fx_str text, int64_t *ret_us)
{
    int64_t days, time, offset;
    if (take_infinity(text, ret_us))
        return true;
    bool is_bc = take_bc(&text);
    if (!take_date(&text, is_bc, &days) || !take_char(&text, ' ') || !take_time(&text, &time) ||
        !take_offset(&text, &offset) || text.len > 0)
        return false;
    /* Microseconds since 1970 end in the year 294247, 29 years before PostgreSQL's last. */
    if (days > INT64_MAX / FX_US_PER_DAY - 2 || days < INT64_MIN / FX_US_PER_DAY + 2)
        return false;
    *ret_us = days * FX_US_PER_DAY + time - offset;
    return true;
}

/* --- writing --------------------------------------------------------------------------------- */

static bool add_infinity(int64_t t, struct fx_buf *out)
{
    if (t != FX_TIME_INFINITY && t != FX_TIME_NEG_INFINITY)
        return false;
    fx_buf_add_c(out, t == FX_TIME_INFINITY ? "infinity" : "-infinity");
    return true;
}

/* Exactly `width` digits; printf is too slow for every time of every row. */
static void put_digits(char *at, int n, int width)
{
    while (width-- > 0) {
        at[width] = (char)('0' + n % 10);
        n /= 10;
    }
}

static void add_date(const struct fx_civil *c, int64_t shown_year, struct fx_buf *out)
{
    char text[10] = "yyyy-mm-dd";
    if (shown_year > 9999) { /* PostgreSQL's, of up to seven digits */
        fx_buf_printf(out, "%" PRId64 "-%02d-%02d", shown_year, c->month, c->day);
        return;
    }
    put_digits(text, (int)shown_year, 4);
    put_digits(text + 5, c->month, 2);
    put_digits(text + 8, c->day, 2);
    fx_buf_add_bytes(out, text, sizeof text);
}

static void add_time(const struct fx_civil *c, struct fx_buf *out)
{
    char text[16] = " hh:mm:ss.uuuuuu";
    put_digits(text + 1, c->hour, 2);
    put_digits(text + 4, c->minute, 2);
    put_digits(text + 7, c->second, 2);
    put_digits(text + 10, c->us, 6);
    fx_buf_add_bytes(out, text, c->us != 0 ? sizeof text : sizeof text - 7);
}

static int64_t shown_year(const struct fx_civil *c)
{
    return c->year > 0 ? c->year : 1 - c->year;
}

void fx_date_pg(int64_t days, struct fx_buf *out)
{
    if (add_infinity(days, out))
        return;
    struct fx_civil c;
    fx_civil_from_days(days, &c);
    add_date(&c, shown_year(&c), out);
    if (c.year <= 0)
        fx_buf_add(out, FX_STR(" BC"));
}

void fx_timestamp_pg(int64_t us, struct fx_buf *out)
{
    if (add_infinity(us, out))
        return;
    struct fx_civil c;
    fx_civil_from_us(us, &c);
    add_date(&c, shown_year(&c), out);
    add_time(&c, out);
    if (c.year <= 0)
        fx_buf_add(out, FX_STR(" BC"));
}

static bool is_my_year(const struct fx_civil *c)
{
    return c->year >= 1 && c->year <= 9999;
}

bool fx_date_my(int64_t days, struct fx_buf *out)
{
    if (days == FX_TIME_INFINITY || days == FX_TIME_NEG_INFINITY)
        return false;
    struct fx_civil c;
    fx_civil_from_days(days, &c);
    if (!is_my_year(&c))
        return false;
    add_date(&c, c.year, out);
    return true;
}

bool fx_timestamp_my(int64_t us, struct fx_buf *out)
{
    if (us == FX_TIME_INFINITY || us == FX_TIME_NEG_INFINITY)
        return false;
    struct fx_civil c;
    fx_civil_from_us(us, &c);
    if (!is_my_year(&c))
        return false;
    add_date(&c, c.year, out);
    add_time(&c, out);
    return true;
}
