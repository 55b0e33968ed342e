/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages below docs/ that are printed from the tables of the program: reference, manual pages,
 * shell completion. `make docs` writes each to its path, `make lint` checks that they are current.
 * A page is one row in pages.c.
 */
#ifndef FICUS_PAGES_H
#define FICUS_PAGES_H

#include "cmd/ficus/cmd.h"

struct cmd_page {
    const char *path; /* below docs/ */
    void (*write)(struct fx_buf *out);
};

/* Ends with path NULL. */
extern const struct cmd_page cmd_pages[];

/* "run start PLAN": the command with what its words mean. */
void cmd_full_name(const struct cmd *c, char *out, size_t size);
/* NULL: no command ends with this status. */
const char *cmd_exit_meaning(int status);

/* Parts of pages, in Markdown, that manual pages use too (manual.c). */
void cmd_page_commands(struct fx_buf *out);
void cmd_page_exits(struct fx_buf *out);
void cmd_page_config(struct fx_buf *out);

/* manual.c */
void cmd_page_ficus_1(struct fx_buf *out);
void cmd_page_ficusd_8(struct fx_buf *out);
void cmd_page_ficus_yaml_5(struct fx_buf *out);

/* complete.c */
void cmd_page_bash(struct fx_buf *out);
void cmd_page_zsh(struct fx_buf *out);
void cmd_page_fish(struct fx_buf *out);

#endif
