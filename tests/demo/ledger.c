/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes and reads the demo's ledger; the format stands in ledger.h. No fsync: the machine's death
 * is not part of the game, a process's death is, and write(2) survives that.
 */
#include "tests/demo/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <uthash.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/panic.h"

bool ledger_open(struct ledger *ledger, const char *dir, const char *name, struct fx_err *err)
{
    FX_AUTO_STR char *path = fx_asprintf("%s/%s.ledger", dir, name);
    ledger->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (ledger->fd < 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not open \"%s\"", path);
    return true;
}

static void add_line(struct ledger *ledger, const char *line, int len)
{
    /* A ledger that cannot be written makes every verdict a guess: stop at once. */
    FX_ASSERT(len > 0 && write(ledger->fd, line, (size_t)len) == len);
}

static long long now_ms(void)
{
    return (long long)(fx_wall_now().us / 1000);
}

void ledger_intent(struct ledger *ledger, enum ledger_kind kind, const char *ref, int64_t order,
                   int64_t by)
{
    char line[160];
    add_line(ledger, line,
             snprintf(line, sizeof line, "%lld I %c %s %lld %lld\n", now_ms(),
                      kind == LEDGER_CREATE ? 'c' : 'i', ref, (long long)order, (long long)by));
}

void ledger_acknowledged(struct ledger *ledger, const char *ref, int64_t order, int64_t ms)
{
    char line[160];
    add_line(ledger, line,
             snprintf(line, sizeof line, "%lld A %s %lld %lld\n", now_ms(), ref, (long long)order,
                      (long long)ms));
}

void ledger_no_answer(struct ledger *ledger, const char *ref)
{
    char line[160];
    add_line(ledger, line, snprintf(line, sizeof line, "%lld N %s\n", now_ms(), ref));
}

void ledger_refused(struct ledger *ledger, const char *ref)
{
    char line[160];
    add_line(ledger, line, snprintf(line, sizeof line, "%lld R %s\n", now_ms(), ref));
}

/* --- reading --------------------------------------------------------------------------------- */

struct by_ref {
    char ref[48];
    size_t at;
    UT_hash_handle hh;
};

struct ledger_entry *ledger_find(struct ledger_book *book, const char *ref)
{
    struct by_ref *index = book->index, *found;
    HASH_FIND_STR(index, ref, found);
    return found != NULL ? &book->entries[found->at] : NULL;
}

static struct ledger_entry *find_or_add(struct ledger_book *book, const char *ref, bool is_direct)
{
    struct ledger_entry *entry = ledger_find(book, ref);
    if (entry != NULL)
        return entry;
    if (book->len == book->cap) {
        book->cap = book->cap > 0 ? book->cap * 2 : 1024;
        book->entries = fx_realloc(book->entries, book->cap * sizeof *book->entries);
    }
    struct by_ref *index = book->index, *added = FX_NEW(struct by_ref);
    snprintf(added->ref, sizeof added->ref, "%s", ref);
    added->at = book->len++;
    HASH_ADD_STR(index, ref, added);
    book->index = index;
    entry = &book->entries[added->at];
    *entry = (struct ledger_entry){.is_direct = is_direct};
    snprintf(entry->ref, sizeof entry->ref, "%s", ref);
    return entry;
}

static bool read_line(struct ledger_book *book, const char *line, bool is_direct)
{
    long long t, order = 0, by = 0;
    char what, kind = 0, ref[48] = "";
    if (sscanf(line, "%lld %c", &t, &what) != 2)
        return false;
    if (what == 'I') {
        if (sscanf(line, "%*d I %c %47s %lld %lld", &kind, ref, &order, &by) != 4)
            return false;
        struct ledger_entry *entry = find_or_add(book, ref, is_direct);
        entry->kind = kind == 'c' ? LEDGER_CREATE : LEDGER_INCREMENT;
        entry->intents++;
        entry->by = by;
        if (order != 0)
            entry->order = order;
        return true;
    }
    if (sscanf(line, "%*d %*c %47s %lld %lld", ref, &order, &by) < 1)
        return false;
    struct ledger_entry *entry = ledger_find(book, ref);
    if (entry == NULL)
        return false;
    switch (what) {
    case 'A':
        entry->acknowledged++;
        entry->acknowledged_at_ms = t;
        if (order != 0) /* increments know theirs from the intent */
            entry->order = order;
        entry->ms_max = FX_MAX(entry->ms_max, (int64_t)by);
        return true;
    case 'N': entry->unknown++; return true;
    case 'R': entry->refused++; return true;
    }
    return false;
}

bool ledger_read(struct ledger_book *book, const char *path, bool is_direct, struct fx_err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return fx_fail_errno(err, FX_E_IO, errno, "could not open \"%s\"", path);
    char line[256];
    bool ok = true;
    /* A last line without its end belongs to a writer
     * that was killed inside write(2): it says nothing. */
    for (size_t n = 1; ok && fgets(line, sizeof line, file) != NULL; n++)
        if (strchr(line, '\n') != NULL && !read_line(book, line, is_direct))
            ok = fx_fail(err, FX_E_DRIFT, "%s:%zu: not a line of a ledger: %s", path, n, line);
    fclose(file);
    for (size_t i = 0; i < book->len; i++) {
        struct ledger_entry *entry = &book->entries[i];
        int64_t known = entry->acknowledged + entry->refused + entry->unknown;
        entry->unknown += FX_MAX(entry->intents - known, (int64_t)0);
    }
    return ok;
}

void ledger_book_done(struct ledger_book *book)
{
    struct by_ref *index = book->index, *item, *next;
    HASH_ITER(hh, index, item, next)
    {
        HASH_DEL(index, item);
        free(item);
    }
    free(book->entries);
    *book = (struct ledger_book){0};
}
