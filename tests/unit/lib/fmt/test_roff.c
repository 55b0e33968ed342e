/* SPDX-License-Identifier: Apache-2.0 */
/* lib/fmt/roff: our Markdown as man(7) macros. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/fmt/roff.h"

static void same(const char *markdown, const char *expected)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    fx_roff_from_markdown(fx_str_from(markdown), &out);
    assert_string_equal(fx_buf_cstr(&out), expected);
}

static void test_roff__headings_and_paragraphs(void **state)
{
    (void)state;
    same("# See also\none\ntwo\n\nthree\n", ".SH SEE ALSO\none\ntwo\n.PP\nthree\n");
    same("## `ficus run` -x\ntext\n", ".SS ficus run \\-x\ntext\n");
}

static void test_roff__marks(void **state)
{
    (void)state;
    same("a `--flag` **b** *c* d\n", "a \\fB\\-\\-flag\\fR \\fBb\\fR \\fIc\\fR d\n");
    same("[*OPTIONS*] 2 * 3 and `*`\n", "[\\fIOPTIONS\\fR] 2 * 3 and \\fB*\\fR\n");
    same("--max-age and cut-over\n", "\\-\\-max\\-age and cut-over\n");
}

static void test_roff__text_is_never_a_request(void **state)
{
    (void)state;
    same(".ficus is \\ 'x'\n", "\\&.ficus is \\e \\(aqx\\(aq\n");
    same("a\n.TH b\n", "a\n\\&.TH b\n");
    same("    .so /etc/passwd\n", ".RS 4\n.EX\n\\&.so /etc/passwd\n.EE\n.RE\n");
    same("\xE2\x86\x92 \xC3\xA9\n", "\\[u2192] \\[u00E9]\n");
    /* A wrapped line may begin anywhere. */
    same("0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123 .x\n",
         "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123\n\\&.x\n");
}

static void test_roff__a_table_is_tagged_paragraphs(void **state)
{
    (void)state;
    same("## t\n| key | value | default | meaning |\n|---|---|---|---|\n"
         "| `dir` | text | `.x` | a folder |\n| `n` | | | {a|b} |\n\nafter\n",
         ".SS t\n.TP\n\\fBdir\\fR\na folder (value: text; default: \\fB.x\\fR)\n"
         ".TP\n\\fBn\\fR\n{a|b}\n.PP\nafter\n");
    same("| a | b |\n|---|---|\n| x | |\n", ".TP\nx\n\\&\n");
}

static void test_roff__lists_and_examples(void **state)
{
    (void)state;
    same("- one\n- two\n\nafter\n", ".IP \\(bu 2\none\n.IP \\(bu 2\ntwo\n.PP\nafter\n");
    same("do:\n\n    ls -l\n\n    cd\n\nthen\n",
         "do:\n.PP\n.RS 4\n.EX\nls \\-l\n\ncd\n.EE\n.RE\n.PP\nthen\n");
}

static void test_roff__cut_characters_end(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    fx_roff_from_markdown((struct fx_str){"# a\n`x \xE2\x86", 8}, &out);
    fx_buf_clear(&out);
    fx_roff_from_markdown((struct fx_str){NULL, 0}, &out);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roff__headings_and_paragraphs),
        cmocka_unit_test(test_roff__marks),
        cmocka_unit_test(test_roff__text_is_never_a_request),
        cmocka_unit_test(test_roff__a_table_is_tagged_paragraphs),
        cmocka_unit_test(test_roff__lists_and_examples),
        cmocka_unit_test(test_roff__cut_characters_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
