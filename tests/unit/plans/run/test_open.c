/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting, resuming and rolling back a run without servers: with a driver of plain variables, in a
 * state directory of its own. What a run does before its first record must leave nothing behind
 * when it fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/io/file.h"
#include "plans/run/open.h"
#include "plans/run/paths.h"
#include "tests/unit/plans/plan_text.h"
#include "tests/unit/tmp.h"

/* What the driver acts on, and how often it was called. */
struct servers {
    int64_t facade_epoch, epoch;
    enum fx_code facade_code; /* what the facade answers; NONE: its epoch */
    enum fx_code act_code;    /* what every action answers */
    int acts, checks, opened, closed, forgotten;
};
static struct servers servers;

static bool s_open(const struct pln_env *env, const struct pln_plan *plan, const char *run_dir,
                   struct fx_wall opened, void **ret, struct fx_err *err)
{
    (void)env;
    (void)plan;
    (void)run_dir;
    (void)opened;
    (void)err;
    servers.opened++;
    *ret = &servers;
    return true;
}

static void s_close(void *arg)
{
    if (arg != NULL)
        servers.closed++;
}

static bool s_forget(void *arg, struct fx_err *err)
{
    (void)arg;
    (void)err;
    servers.forgotten++;
    return true;
}

static bool s_facade_epoch(void *arg, int64_t *ret_epoch, struct fx_err *err)
{
    (void)arg;
    if (servers.facade_code != FX_E_NONE)
        return fx_fail(err, servers.facade_code, "planned");
    *ret_epoch = servers.facade_epoch;
    return true;
}

static void s_set_epoch(void *arg, int64_t epoch)
{
    (void)arg;
    servers.epoch = epoch;
}

static bool s_check(void *arg, const struct pln_step *step, struct fx_err *err)
{
    (void)arg;
    (void)step;
    (void)err;
    servers.checks++;
    return true;
}

static bool s_act(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                  struct fx_err *err)
{
    (void)arg;
    (void)ex;
    (void)step;
    (void)kind;
    servers.acts++;
    return servers.act_code == FX_E_NONE || fx_fail(err, servers.act_code, "planned");
}

static bool s_probe(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                    bool *ret_done, struct fx_err *err)
{
    (void)arg;
    (void)ex;
    (void)step;
    (void)kind;
    (void)err;
    *ret_done = false;
    return true;
}

static void s_facts(void *arg, const struct pln_step *step, struct pln_facts *facts)
{
    (void)arg;
    (void)step;
    (void)facts;
}

static bool s_tick(void *arg, struct pln_exec *ex, struct fx_err *err)
{
    (void)arg;
    (void)ex;
    (void)err;
    return true;
}

static bool s_claim(void *arg, bool is_taken, struct fx_err *err)
{
    (void)arg;
    (void)is_taken;
    (void)err;
    return true;
}

static const struct pln_driver driver = {.open = s_open,
                                         .claim = s_claim,
                                         .close = s_close,
                                         .forget = s_forget,
                                         .facade_epoch = s_facade_epoch,
                                         .set_epoch = s_set_epoch,
                                         .check = s_check,
                                         .act = s_act,
                                         .probe = s_probe,
                                         .facts = s_facts,
                                         .tick = s_tick};

/* A project with one context whose only route is `r`, in
 * a directory of its own, and a plan of one step for it. */
struct scene {
    struct fx_arena arena;
    struct fx_project project;
    struct fx_context ctx;
    struct pln_env env;
    struct pln_paths at;
    struct pln_plan *plan;
    struct fx_err err;
};

static void set_context(struct scene *s, const char *yaml)
{
    struct fx_node *node = NULL;
    assert_true(fx_doc_parse("c.yaml", fx_str_from(yaml), &s->arena, &node, &s->err));
    s->ctx = (struct fx_context){.name = "orders", .node = node};
}

static void scene_up_with(struct scene *s, const char *text)
{
    static int number;
    *s = (struct scene){.err = FX_ERR_INIT};
    servers = (struct servers){0};
    fx_arena_init(&s->arena, 0);
    set_context(s, "tables: [public.a]\nroutes: [{id: r, kind: read}]\n");
    s->project.state_dir =
        fx_arena_printf(&s->arena, "%s/ficus-test-open.%d.%d", test_tmp(), (int)getpid(), ++number);
    s->project.path = "ficus.yaml";
    s->project.contexts = &s->ctx;
    s->project.n_contexts = 1;
    s->env = (struct pln_env){.project = &s->project};
    pln_paths_of(s->project.state_dir, "p", &s->arena, &s->at);
    const char *path = fx_arena_printf(&s->arena, "%s/p.yaml", s->project.state_dir);
    assert_true(fx_dir_make(s->project.state_dir, &s->err));
    assert_true(fx_file_write_atomic(path, fx_str_from(text), 0644, &s->err));
    if (!pln_load(path, &s->project, &s->arena, &s->plan, &s->err))
        fail_msg("%s\n%s", s->err.message, s->err.detail);
}

static void scene_up(struct scene *s)
{
    scene_up_with(s, PLAN_HEAD "steps:\n  - {id: reads, do: {route.reset: {routes: [r]}}}\n"
                               "  - {id: end, do: {wait: 0s}}\n");
}

static void scene_down(struct scene *s)
{
    assert_int_equal(servers.opened, servers.closed);
    const char *files[] = {s->at.journal, s->at.plan, s->at.context, s->at.lock};
    for (size_t i = 0; i < FX_ARRAY_LEN(files); i++)
        unlink(files[i]);
    unlink(fx_arena_printf(&s->arena, "%s.lock", s->at.journal));
    unlink(fx_arena_printf(&s->arena, "%s.key", s->at.journal));
    unlink(pln_path_context_lock(s->project.state_dir, "orders", &s->arena));
    unlink(fx_arena_printf(&s->arena, "%s/p.yaml", s->project.state_dir));
    rmdir(s->at.dir);
    rmdir(pln_path_runs(s->project.state_dir, &s->arena));
    rmdir(pln_path_contexts(s->project.state_dir, &s->arena));
    rmdir(s->project.state_dir);
    fx_arena_done(&s->arena);
}

static struct pln_state *replayed(struct scene *s)
{
    struct pln_state *state = FX_ARENA_NEW(&s->arena, struct pln_state);
    assert_true(pln_journal_replay(s->at.journal, state, NULL, NULL, &s->err));
    return state;
}

static void test_start__takes_an_epoch_above_the_facades_and_ends(void **state)
{
    (void)state;
    struct scene s;
    scene_up(&s);
    servers.facade_epoch = 41;
    assert_true(pln_open_start(&s.env, &driver, s.plan, &s.err));
    assert_int_equal(servers.epoch, 42);
    assert_int_equal(servers.acts, 2);
    assert_int_equal(servers.forgotten, 1);
    assert_int_equal(replayed(&s)->phase, PLN_PHASE_FINISHED);
    assert_true(fx_file_exists(s.at.plan) && fx_file_exists(s.at.context));
    servers.facade_epoch = 0; /* a facade that was replaced does not take the epoch back */
    assert_true(pln_open_start(&s.env, &driver, s.plan, &s.err));
    assert_true(servers.epoch > 0);
    scene_down(&s);
}

static void test_start__that_cannot_reach_the_facade_leaves_nothing(void **state)
{
    (void)state;
    struct scene s;
    scene_up(&s);
    servers.facade_code = FX_E_FACADE_CONNECT;
    assert_false(pln_open_start(&s.env, &driver, s.plan, &s.err));
    assert_int_equal(s.err.code, FX_E_FACADE_CONNECT);
    assert_false(fx_file_exists(s.at.journal));
    assert_int_equal(servers.acts + servers.forgotten, 0);
    scene_down(&s);
}

static void test_start__of_an_unfinished_run_names_resume(void **state)
{
    (void)state;
    struct scene s;
    scene_up(&s);
    servers.act_code = FX_E_LOCKED; /* stops the run as it is */
    assert_false(pln_open_start(&s.env, &driver, s.plan, &s.err));
    assert_int_equal(s.err.code, FX_E_LOCKED);
    servers.act_code = FX_E_NONE;
    assert_false(pln_open_start(&s.env, &driver, s.plan, &s.err));
    assert_int_equal(s.err.code, FX_E_USAGE);
    assert_non_null(strstr(s.err.message, "its current step is \"reads\""));
    assert_non_null(strstr(s.err.hint, "ficus run resume p"));
    assert_true(pln_open_resume(&s.env, &driver, "p", &s.err));
    assert_int_equal(replayed(&s)->phase, PLN_PHASE_FINISHED);
    scene_down(&s);
}

static void test_resume__refuses_a_context_that_has_changed(void **state)
{
    (void)state;
    struct scene s;
    scene_up(&s);
    servers.act_code = FX_E_LOCKED;
    assert_false(pln_open_start(&s.env, &driver, s.plan, &s.err));
    uint64_t n = replayed(&s)->n_records;
    set_context(&s, "tables: [public.a, public.b]\nroutes: [{id: r, kind: read}]\n");
    assert_false(pln_open_resume(&s.env, &driver, "p", &s.err));
    assert_int_equal(s.err.code, FX_E_DRIFT);
    assert_false(pln_open_rollback(&s.env, &driver, "p", NULL, &s.err));
    assert_int_equal(s.err.code, FX_E_DRIFT);
    assert_int_equal(replayed(&s)->n_records, n);
    scene_down(&s);
}

static void test_resume__of_a_run_that_has_ended_repeats_its_result(void **state)
{
    (void)state;
    struct scene s;
    scene_up(&s);
    assert_true(pln_open_start(&s.env, &driver, s.plan, &s.err));
    uint64_t n = replayed(&s)->n_records;
    assert_true(pln_open_resume(&s.env, &driver, "p", &s.err));
    assert_int_equal(replayed(&s)->n_records, n);
    assert_true(pln_open_rollback(&s.env, &driver, "p", NULL, &s.err));
    assert_false(pln_open_resume(&s.env, &driver, "p", &s.err));
    assert_int_equal(s.err.code, FX_E_ROLLED_BACK);
    assert_non_null(strstr(s.err.detail, "requested by the operator"));
    assert_true(
        pln_open_rollback(&s.env, &driver, "p", NULL, &s.err)); /* and once more changes nothing */
    scene_down(&s);
}

/* It was reopened first, and then neither finished nor rolled back. */
static void test_rollback__past_the_point_of_no_return_leaves_the_run_finished(void **state)
{
    (void)state;
    struct scene s;
    scene_up_with(&s,
                  PLAN_HEAD "steps:\n  - {id: end, do: {wait: 0s}, point_of_no_return: true}\n");
    assert_true(pln_open_start(&s.env, &driver, s.plan, &s.err));
    uint64_t n = replayed(&s)->n_records;
    assert_false(pln_open_rollback(&s.env, &driver, "p", NULL, &s.err));
    assert_int_equal(s.err.code, FX_E_STUCK);
    assert_non_null(strstr(s.err.message, "step \"end\" was its point of no return"));
    assert_non_null(strstr(s.err.hint, "ficus run journal show p"));
    assert_int_equal(replayed(&s)->n_records, n);
    assert_int_equal(replayed(&s)->phase, PLN_PHASE_FINISHED);
    scene_down(&s);
}

static void test_resume__names_the_command_that_restores_the_copy_of_the_plan(void **state)
{
    (void)state;
    struct scene s;
    scene_up(&s);
    servers.act_code = FX_E_LOCKED;
    assert_false(pln_open_start(&s.env, &driver, s.plan, &s.err));
    servers.act_code = FX_E_NONE;
    const char *changed = PLAN_HEAD "steps:\n  - {id: reads, do: {wait: 0s}}\n";
    assert_true(fx_file_write_atomic(s.at.plan, fx_str_from(changed), 0644, &s.err));
    assert_false(pln_open_resume(&s.env, &driver, "p", &s.err));
    assert_int_equal(s.err.code, FX_E_DRIFT);
    assert_non_null(strstr(s.err.message, "the copy of the plan of run \"p\" was changed"));
    const char *cp = fx_arena_printf(&s.arena, "cp '%s' '%s'", s.plan->path, s.at.plan);
    assert_non_null(strstr(s.err.hint, cp));
    assert_true(fx_file_write_atomic(s.plan->path, fx_str_from(changed), 0644, &s.err));
    assert_false(pln_open_resume(&s.env, &driver, "p", &s.err));
    assert_non_null(strstr(s.err.hint, "restore it from a backup"));
    scene_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start__takes_an_epoch_above_the_facades_and_ends),
        cmocka_unit_test(test_start__that_cannot_reach_the_facade_leaves_nothing),
        cmocka_unit_test(test_start__of_an_unfinished_run_names_resume),
        cmocka_unit_test(test_resume__refuses_a_context_that_has_changed),
        cmocka_unit_test(test_resume__of_a_run_that_has_ended_repeats_its_result),
        cmocka_unit_test(test_rollback__past_the_point_of_no_return_leaves_the_run_finished),
        cmocka_unit_test(test_resume__names_the_command_that_restores_the_copy_of_the_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
