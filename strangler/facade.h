/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facade daemon's life: check, start, run until a signal, drain, stop. What cmd/ficusd calls.
 *
 *     fcd_facade_check(path, &err)      reads the configuration, opens nothing
 *     fcd_facade_run(path, &err)        returns after SIGTERM or SIGINT, when what was running has
 *                                       ended
 *
 * Errors: CONFIG, SECRET; LIMIT (the state has no room); IO (addresses, the state); LOCKED (another
 * facade uses
 *         the same state directory); JOURNAL (the state file is damaged).
 */
#ifndef FCD_FACADE_H
#define FCD_FACADE_H

#include "lib/map/root.h"

bool fcd_facade_check(const char *path, struct fx_err *err) FX_MUST_CHECK;
/* The problems in the facade's sections of a project file, for other tools that read the file:
 * without reading secrets and without resolving names. A file without a section `facade` has none.
 */
void fcd_facade_problems(const struct fx_root *root, struct fx_arena *arena,
                         struct fx_problems *problems);
/* The version of the facade's state file; 0: there is none yet. Errors: JOURNAL, VERSION, IO. */
bool fcd_facade_state_version(const char *state_dir, int64_t *ret,
                              struct fx_err *err) FX_MUST_CHECK;
bool fcd_facade_run(const char *path, struct fx_err *err) FX_MUST_CHECK;
/* The facade's keys of ficus.yaml as Markdown, for docs/reference/config.md. */
void fcd_config_markdown(struct fx_buf *out);

/* Which rule of the file takes a request, without asking a daemon. Texts belong to `arena`. */
struct fcd_explained {
    const char *path;    /* the normal form that is matched */
    const char *route;   /* NULL: no route, the default upstream takes it */
    const char *pattern; /* of the route */
    const char *group;   /* of the route */
    bool is_write;       /* follows the owner: the route's kind, or a method that no route lists */
    bool is_odd; /* a read whose path is the route's only as some servers read it: at the owner */
    const char *old_side; /* upstream; without a route the default one */
    const char *new_side; /* upstream; NULL without a route */
    /* the user with this key is on the new side above this weight; -1: no key given */
    double key_percent;
};
/* `key`: the value of the user's header or cookie, or
 * NULL. Errors: CONFIG, USAGE (a path that is refused). */
bool fcd_facade_explain(const char *config_path, const char *method, const char *target,
                        const char *key, struct fx_arena *arena, struct fcd_explained *ret,
                        struct fx_err *err) FX_MUST_CHECK;

/* The metrics of GET /metrics as a table, for docs/reference. */
void fcd_metrics_markdown(struct fx_buf *out);

#endif
