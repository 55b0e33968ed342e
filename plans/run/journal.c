/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a journal: reading, appending, and what a damaged one means. */
#include "plans/run/journal.h"

#include <errno.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/io/failpoint.h"

struct pln_journal {
    struct fx_recordlog *log;
    struct fx_chain chain;
    struct pln_state *state;
};

struct replay {
    struct pln_state *state;
    struct fx_chain chain;
    const char *anchor; /* a record that must be there; NULL: none */
    bool has_anchor;
    bool (*on_record)(void *arg, uint64_t seq, const struct pln_record *rec, struct fx_str json);
    void *arg;
};

static bool replay_one(void *arg, uint64_t seq, struct fx_str payload, struct fx_err *err)
{
    struct replay *re = arg;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct pln_record rec;
    if (!fx_chain_take(&re->chain, payload, err) || !pln_record_read(payload, &arena, &rec, err) ||
        !pln_state_apply(re->state, &rec, err))
        return fx_ctx(err, "replaying record %llu", (unsigned long long)seq);
    char at[FX_CHAIN_ANCHOR];
    fx_chain_anchor(&re->chain, at);
    re->has_anchor |= re->anchor != NULL && strcmp(at, re->anchor) == 0;
    return re->on_record == NULL || re->on_record(re->arg, seq, &rec, payload);
}

/* The journal records what the run did; ownership never depends on it. */
static bool fail_damaged(struct fx_err *err)
{
    if (err->code != FX_E_JOURNAL || err->hint[0] != '\0')
        return false;
    return fx_hint(err,
                   "Restore it from a backup. Its readable part: ficus run journal show. A "
                   "cut-over that is unfinished is recorded in the databases; to finish it: ficus "
                   "cutover start (or fallback) --context NAME --execute --confirm=NAME");
}

bool pln_journal_open(const char *path, struct pln_state *state, struct pln_journal **ret,
                      struct fx_err *err)
{
    struct replay re = {.state = state};
    pln_state_init(state);
    struct fx_recordlog *log = NULL;
    if (!fx_chain_load(path, true, &re.chain, err) ||
        !fx_recordlog_open(path, replay_one, &re, &log, err)) {
        fail_damaged(err);
        return fx_ctx(err, "opening the journal \"%s\"", path);
    }
    *ret = FX_NEW(struct pln_journal);
    (*ret)->log = log;
    (*ret)->chain = re.chain;
    (*ret)->state = state;
    return true;
}

static void pass(enum pln_rec type, const char *when)
{
    FX_FAILPOINT("journal.%s.%s", pln_rec_name(type), when);
}

/* One record more, of a step that a plan can have, and never an epoch that goes back. */
static void assert_appended(const struct pln_state *before, const struct pln_state *after,
                            const struct pln_record *rec)
{
    if (after->n_records == before->n_records + 1 && after->epoch >= before->epoch &&
        rec->step < PLN_STEPS_MAX)
        return;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    pln_state_show(before, 0, &text);
    fx_buf_add_c(&text, "; then ");
    pln_state_show(after, 0, &text);
    FX_BUG("record %s of step %d: %s", pln_rec_name(rec->type), rec->step, fx_buf_cstr(&text));
}

bool pln_journal_append(struct pln_journal *journal, struct pln_record *rec, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf plain = FX_BUF(1 << 16), out = FX_BUF(1 << 17);
    rec->at = fx_wall_now();
    struct pln_state next = *journal->state;
    if (!pln_state_apply(&next, rec, err))
        return false;
    assert_appended(journal->state, &next, rec);
    pln_record_write(rec, &plain);
    fx_chain_seal(&journal->chain, fx_buf_str(&plain), &out);
    pass(rec->type, "before");
    if (fx_failpoint_error("journal.append"))
        return fx_fail_errno(err, FX_E_JOURNAL, ENOSPC, "could not write the journal of the run");
    if (!fx_recordlog_append(journal->log, fx_buf_str(&out), err)) {
        bool is_full = err->cause_number == ENOSPC || err->cause_number == EDQUOT;
        if (err->hint[0] == '\0')
            fx_hint(err, "%s, then run: ficus run resume",
                    is_full ? "Free space for the state directory"
                            : "Check the disk of the state directory");
        return fx_ctx(err, "writing %s to the journal", pln_rec_name(rec->type));
    }
    if (!fx_chain_take(&journal->chain, fx_buf_str(&out), err))
        return false;
    *journal->state = next;
    pass(rec->type, "after");
    return true;
}

void pln_journal_close(struct pln_journal *journal)
{
    if (journal == NULL)
        return;
    fx_recordlog_close(journal->log);
    free(journal);
}

static bool replay_file(const char *path, struct replay *re, struct fx_err *err)
{
    return (fx_chain_load(path, false, &re->chain, err) &&
            fx_recordlog_read(path, replay_one, re, err)) ||
           fail_damaged(err);
}

bool pln_journal_replay(const char *path, struct pln_state *state,
                        bool (*on_record)(void *arg, uint64_t seq, const struct pln_record *rec,
                                          struct fx_str json),
                        void *arg, struct fx_err *err)
{
    struct replay re = {.state = state, .on_record = on_record, .arg = arg};
    pln_state_init(state);
    return replay_file(path, &re, err);
}

bool pln_journal_check(const char *path, struct pln_state *state, const char *anchor,
                       struct fx_chain *ret_chain, struct fx_err *err)
{
    struct replay re = {.state = state, .anchor = anchor};
    pln_state_init(state);
    if (!replay_file(path, &re, err))
        return false;
    *ret_chain = re.chain;
    return anchor == NULL || re.has_anchor ||
           fx_fail(err, FX_E_JOURNAL, "the journal does not have record %s: %s", anchor, path) ||
           fx_hint(err,
                   "Check first that the anchor is copied whole and is of this run: ficus run "
                   "list. If it is, the journal was cut or replaced after that record: compare it, "
                   "and the file beside it whose name ends in \".key\", with a backup, and restore "
                   "both from it. Then: ficus run journal verify RUN --anchor %s",
                   anchor);
}
